#include "runtime/offline/recording.hpp"

#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "runtime/setup/requests.hpp"
#include "trace/analysis/interrupts.hpp"
#include "trace/records/model_rows.hpp"

namespace headroom::runtime {

namespace {

std::vector<std::vector<std::int32_t>> prompts_of(
    const trace::RunHeader& header, const config::Scenario& scenario
) {
    std::vector<std::vector<std::int32_t>> prompts(scenario.workload.distinct_prompts());
    for (const trace::PromptRow& row : header.prompts) {
        const auto number = static_cast<std::size_t>(row.prompt);
        if (row.prompt < 0 || number >= prompts.size()) {
            throw InputError(fmt::format("damaged: /prompts has a prompt {}", row.prompt));
        }
        prompts[number].push_back(row.id);
    }
    for (std::size_t i = 0; i < prompts.size(); ++i) {
        if (prompts[i].empty()) {
            throw InputError(fmt::format("damaged: /prompts lacks prompt {}", i));
        }
    }
    return prompts;
}

} // namespace

config::Scenario recorded_scenario(
    const trace::RunHeader& header, const config::Overrides& changes
) {
    config::Scenario scenario;
    try {
        scenario = config::parse_scenario(header.scenario, "scenario.toml", changes);
    } catch (const InputError& error) {
        throw InputError(fmt::format(
            "its scenario cannot be read by this version of headroom, expected one that can: {}",
            error.what()
        ));
    }
    scenario.input_files = header.input_files;
    return scenario;
}

WorkloadDescription recorded_workload(
    const trace::RunHeader& header, const config::Scenario& scenario
) {
    if (header.model.empty()) {
        throw InputError(
            "does not tell the model's shape, expected /model: it is of an older schema version "
            "than 4; run the scenario again with this version"
        );
    }
    WorkloadDescription workload;
    const auto name = header.attributes.find("model");
    workload.name = name == header.attributes.end() ? "" : name->second;
    workload.shape = trace::recorded_shape(header);
    workload.prompts = prompts_of(header, scenario);
    check_cut(scenario, workload.shape);
    check_sizes(scenario, workload.shape, workload.prompts);
    workload.turn_sizes = turn_sizes(scenario, workload.prompts);
    return workload;
}

std::string ranges_text(const std::vector<std::int64_t>& sequences) {
    std::string text;
    for (std::size_t i = 0; i < sequences.size();) {
        std::size_t last = i;
        while (last + 1 < sequences.size() && sequences[last + 1] == sequences[last] + 1) {
            ++last;
        }
        text += fmt::format("{}{}-{}", text.empty() ? "" : ",", sequences[i], sequences[last]);
        i = last + 1;
    }
    return text;
}

std::vector<std::int64_t> sequences_in(const std::string& ranges, std::size_t requests) {
    std::vector<std::int64_t> sequences;
    std::istringstream rest(ranges);
    std::int64_t first = 0;
    std::int64_t last = 0;
    char dash = 0;
    bool sound = true;
    while (sound && rest >> first >> dash >> last) {
        const bool grows = sequences.empty() || first > sequences.back();
        sound = dash == '-' && grows && first >= 0 && last >= first &&
                last < static_cast<std::int64_t>(requests);
        for (std::int64_t sequence = first; sound && sequence <= last; ++sequence) {
            sequences.push_back(sequence);
        }
        if (rest.peek() == ',') {
            rest.get();
        }
    }
    if (!sound || sequences.empty() || !rest.eof()) {
        throw InputError(fmt::format(
            "damaged: {} is \"{}\", expected ranges of its {} requests",
            kCounterfactualRequests,
            ranges,
            requests
        ));
    }
    return sequences;
}

namespace {

void check_id(const char* what, std::int64_t id, std::int64_t least, std::int64_t end) {
    if (id < least || id >= end) {
        throw InputError(
            fmt::format("damaged: {} is {}, expected one from {} to {}", what, id, least, end - 1)
        );
    }
}

} // namespace

void check_ids(const trace::Trace& trace, const config::Scenario& scenario) {
    if (trace.header.devices.size() != scenario.fleet.size()) {
        throw InputError(fmt::format(
            "damaged: /devices has {} rows, but the scenario has {} devices",
            trace.header.devices.size(),
            scenario.fleet.size()
        ));
    }
    constexpr std::int64_t kMostEpochs = std::int64_t{1} << 60;
    const auto devices = static_cast<std::int64_t>(scenario.fleet.size());
    const auto requests = static_cast<std::int64_t>(scenario.workload.requests());
    for (const trace::Interval& interval : trace.intervals) {
        check_id("an epoch in /intervals", interval.row.epoch, 0, kMostEpochs);
        for (const std::int32_t device : interval.placement) {
            check_id("a device in /placements", device, 0, devices);
        }
        for (const trace::ResourceRow& row : interval.resources) {
            check_id("a device in /resources", row.device, 0, devices);
        }
        for (const trace::TurnRow& row : interval.turns) {
            check_id("a sequence in /turns", row.sequence, 0, requests);
        }
        for (const trace::TokenRow& row : interval.tokens) {
            check_id("a sequence in /tokens", row.sequence, 0, requests);
            check_id("an id in /tokens", row.id, -1, trace.header.model.front().vocabulary);
        }
        for (const trace::RequestRow& row : interval.requests) {
            check_id("a sequence in /requests", row.sequence, 0, requests);
        }
    }
}

RecordedTokens::RecordedTokens(const trace::Trace& trace) {
    for (const trace::Interval& interval : trace.intervals) {
        for (const trace::TokenRow& token : interval.tokens) {
            if (token.is_prompt == 0) {
                tokens_[token.sequence][token.position] = {token.id, false, token.logits_checksum};
            }
        }
        const std::set<std::int32_t> cut = trace::interrupted_sequences(interval);
        for (const trace::RequestRow& request : interval.requests) {
            if (!cut.contains(request.sequence)) {
                ended_.insert(request.sequence);
            }
        }
    }
}

SampledToken RecordedTokens::at(std::int64_t sequence, std::int64_t position) const {
    const auto tokens = tokens_.find(sequence);
    if (tokens == tokens_.end()) {
        return {};
    }
    const auto token = tokens->second.find(position);
    return token == tokens->second.end() ? SampledToken{} : token->second;
}

bool RecordedTokens::is_last(std::int64_t sequence, std::int64_t position) const {
    const auto tokens = tokens_.find(sequence);
    return tokens != tokens_.end() && tokens->second.rbegin()->first == position;
}

std::vector<std::int64_t> RecordedTokens::sequences() const {
    std::vector<std::int64_t> all;
    for (const auto& [sequence, tokens] : tokens_) {
        all.push_back(sequence);
    }
    return all;
}

} // namespace headroom::runtime
