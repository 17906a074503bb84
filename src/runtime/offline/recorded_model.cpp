#include "runtime/offline/recorded_model.hpp"

#include <cstdint>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "base/error.hpp"
#include "runtime/offline/recording.hpp"
#include "runtime/setup/prompts.hpp"

namespace headroom::runtime {

namespace {

void check_ids_in(const trace::Trace& trace, std::int64_t vocabulary) {
    for (const trace::Interval& interval : trace.intervals) {
        for (const trace::TokenRow& token : interval.tokens) {
            if (token.id < 0 || token.id >= vocabulary) {
                throw InputError(fmt::format(
                    "damaged: the token at position {} of sequence {} is {}, expected one from 0 "
                    "to {}",
                    token.position,
                    token.sequence,
                    token.id,
                    vocabulary - 1
                ));
            }
        }
    }
}

} // namespace

void check_model_and_prompts(
    const trace::Trace& trace, const config::Scenario& scenario, const model::GgufFile& file
) {
    const model::Hyperparameters model = model_of(scenario, file);
    const WorkloadDescription recorded = recorded_workload(trace.header, scenario);
    if (recorded.shape != static_cast<const ModelShape&>(model)) {
        throw InputError(fmt::format(
            "/model and /layers are not what {} holds: it is not the model of the run, or the "
            "trace "
            "was damaged",
            file.path().string()
        ));
    }
    check_ids_in(trace, model.vocabulary);
    const model::Tokenizer tokenizer(file);
    const auto prompts = tokenised_prompts(scenario.workload, tokenizer, model.context);
    for (std::size_t i = 0; i < prompts.size(); ++i) {
        if (prompts[i] != recorded.prompts[i]) {
            throw InputError(fmt::format(
                "/prompts has other tokens for prompt {} than the tokenizer of {} makes of the "
                "scenario's: it is not the model of the run, or the trace was damaged",
                i,
                file.path().string()
            ));
        }
    }
}

std::string wrong_text(const trace::Trace& trace, const model::Tokenizer& tokenizer) {
    struct Ids {
        std::vector<std::int32_t> all;
        std::size_t prompt = 0;
    };
    std::map<std::int32_t, Ids> sequences;
    for (const trace::Interval& interval : trace.intervals) {
        for (const trace::TokenRow& token : interval.tokens) {
            Ids& ids = sequences[token.sequence];
            ids.all.push_back(token.id);
            ids.prompt += token.is_prompt != 0 ? 1 : 0;
        }
        for (const trace::RequestRow& request : interval.requests) {
            const Ids& ids = sequences[request.sequence];
            const std::span<const std::int32_t> all(ids.all);
            const auto prompt = static_cast<Bytes>(tokenizer.decode(all.first(ids.prompt)).size());
            if (request.text != tokenizer.decode(all) || request.prompt_bytes != prompt) {
                return fmt::format(
                    "the text of sequence {} in /requests is not that of its tokens",
                    request.sequence
                );
            }
        }
    }
    return "";
}

} // namespace headroom::runtime
