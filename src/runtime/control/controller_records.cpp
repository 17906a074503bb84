// The part of the controller that writes the trace: the header and the rows of an interval.
#include <algorithm>

#include <fmt/format.h>

#include "base/check.hpp"
#include "runtime/control/controller.hpp"
#include "trace/analysis/parts.hpp"
#include "trace/records/model_rows.hpp"

namespace headroom::runtime {

namespace {

/// Up to this number of devices, table /links has a row for every pair.
constexpr std::size_t kMaxDevicesWithAllLinks = 256;

std::vector<std::string> payload_names() {
    std::vector<std::string> names;
    for (auto i = static_cast<int>(scheduler::Payload::token);
         i <= static_cast<int>(scheduler::kLastPayload);
         ++i) {
        names.emplace_back(scheduler::name_of(static_cast<scheduler::Payload>(i)));
    }
    return names;
}

} // namespace

trace::RunHeader Controller::header() const {
    trace::RunHeader run;
    run.attributes = context_.attributes;
    run.attributes["policy"] = std::string(context_.policy->name());
    run.attributes[trace::kPolicyVersion] = context_.policy->version();
    run.attributes["cost_profile"] =
        std::string(config::name_of(scenario_->controller.cost_profile));
    run.attributes["weights"] = std::string(config::name_of(scenario_->controller.weights));
    run.numbers["seed"] = static_cast<std::int64_t>(scenario_->seed);
    run.numbers["interval"] = scenario_->controller.interval;
    run.numbers["sequences"] = static_cast<std::int64_t>(requests_.size());
    run.numbers["in_flight"] = scenario_->workload.slots();
    const std::int64_t semantics =
        context_.resume == nullptr ? context_.semantics : context_.resume->semantics;
    if (semantics != trace::kFirstSemantics) { // such traces lack the number
        run.numbers[trace::kSemantics] = semantics;
    }
    run.numbers["prompt_tokens"] = 0;
    for (const Request& request : requests_) {
        run.numbers["prompt_tokens"] += request.prompt_tokens();
    }
    run.numbers["tokens"] = scenario_->workload.tokens;
    run.scenario = config::resolved_text(*scenario_);
    run.input_files = scenario_->input_files;
    run.with_ops = context_.trace_ops;
    for (const std::string_view name : scheduler::policy_names()) {
        run.codes["intervals.policy"].emplace_back(name);
    }
    if (run.with_ops) {
        run.codes["messages.kind"] = payload_names();
    }
    describe_fleet(run);
    describe_model(run);
    for (std::size_t i = 0; i < blocks_->size(); ++i) {
        const BlockName& name = blocks_->name(BlockId(i));
        run.blocks.push_back(
            {to_string(name),
             static_cast<std::int32_t>(name.kind),
             name.layer,
             name.group,
             blocks_->matrix_bytes(BlockId(i)) + blocks_->norm_bytes(BlockId(i))}
        );
    }
    return run;
}

/// Adds devices and links at time 0. For a large fleet only the links that differ have own rows.
void Controller::describe_fleet(trace::RunHeader& run) const {
    const scheduler::Fleet& fleet = scenario_->fleet;
    const auto start = [](const scheduler::Profile& profile) { return profile.at(0, 0).value; };
    const auto limited = [](PerSecond rate) { return rate == kUnlimited ? -1 : rate; };
    const Bytes buffers =
        scheduler::buffer_bytes(blocks_->shape(), context_.turn_sizes, blocks_->cut());
    for (std::size_t d = 0; d < fleet.size(); ++d) {
        const scheduler::DeviceSpec& device = fleet.devices[d];
        run.devices.push_back(
            {device.name,
             start(device.compute),
             start(device.memory),
             limited(start(device.memory_bandwidth)),
             device.has_storage ? start(device.storage_bandwidth) : -1,
             buffers,
             fleet.source == DeviceId(d) ? 1 : 0}
        );
    }
    const auto add = [&](std::int32_t from, std::int32_t to, const scheduler::LinkSpec& link) {
        run.links.push_back({from, to, limited(start(link.bandwidth)), start(link.latency)});
    };
    if (fleet.size() > kMaxDevicesWithAllLinks) {
        add(-1, -1, fleet.network.default_link());
        for (const auto& [pair, link] : fleet.network.overrides()) {
            add(pair.first.value, pair.second.value, link);
        }
        return;
    }
    for (std::size_t d = 0; d < fleet.size(); ++d) {
        for (std::size_t other = 0; other < fleet.size(); ++other) {
            if (d != other) {
                const auto from = static_cast<std::int32_t>(d);
                const auto to = static_cast<std::int32_t>(other);
                add(from, to, fleet.network.link(DeviceId(d), DeviceId(other)));
            }
        }
    }
}

/// Adds the model's shape and the prompts, which a replay uses instead of the model file.
void Controller::describe_model(trace::RunHeader& run) const {
    trace::add_model_rows(blocks_->shape(), run);
    std::int32_t number = 0;
    for (const std::vector<std::int32_t>& prompt : *context_.prompts) {
        std::int64_t position = 0;
        for (const std::int32_t id : prompt) {
            run.prompts.push_back({number, position++, id});
        }
        ++number;
    }
}

void Controller::record_source(const SourceFacts& facts) {
    record_turns(facts);
    record_tokens(facts);
    record_waits(facts);
    record_interrupt(facts);
    for (const RequestFacts& request : facts.ended) {
        record_request(request);
    }
    trace::IntervalRow& row = current_->row;
    row.t_end = facts.end;
    row.tokens = static_cast<std::int64_t>(facts.tokens.size());
    if (facts.t_switch > 0) {
        row.t_switch = facts.t_switch;
        row.t_resume = std::max(row.t_resume, facts.t_switch);
    }
    Nanoseconds decode = 0;
    std::int64_t steps = 0;
    for (const TokenFacts& token : facts.tokens) {
        row.sequence = static_cast<std::int32_t>(token.sequence);
        if (token.position > request(token.sequence).prefill_tokens()) {
            decode += token.end - token.start;
            ++steps;
        }
    }
    for (const TurnFacts& turn : facts.turns) {
        if (turn.turn.sequence != facts.turns.front().turn.sequence) {
            row.sequence = -1;
        }
    }
    row.measured_inference_ns = steps > 0 ? decode / steps : 0;
}

void Controller::record_turns(const SourceFacts& facts) {
    for (const TurnFacts& done : facts.turns) {
        const Turn& turn = done.turn;
        current_->turns.push_back(
            {turn.number,
             turn.epoch,
             static_cast<std::int32_t>(turn.sequence),
             turn.slot,
             turn.round,
             turn.visit,
             turn.batch,
             turn.first,
             turn.tokens,
             turn.samples ? 1 : 0,
             turn.sampled,
             done.start,
             done.end}
        );
    }
}

void Controller::record_devices(const DeviceFacts& facts) {
    trace::Interval& interval = closed_.front().interval;
    const scheduler::Snapshot& snapshot = closed_.front().snapshot;
    HEADROOM_CHECK(
        facts.devices.size() == scenario_->fleet.size(), "facts of {} devices", facts.devices.size()
    );
    for (std::size_t d = 0; d < facts.devices.size(); ++d) {
        const DeviceUse& use = facts.devices[d];
        interval.resources.push_back(
            {intervals_,
             static_cast<std::int32_t>(d),
             snapshot.devices[d].compute,
             snapshot.devices[d].memory,
             use.held,
             use.peak,
             use.busy,
             use.paged,
             use.process_bytes}
        );
        for (const OverloadRecord& overload : use.overloads) {
            interval.events.push_back(
                {overload.at,
                 static_cast<std::int32_t>(trace::EventCode::overload),
                 static_cast<std::int32_t>(d),
                 overload.over,
                 "holds more than its budget; paged"}
            );
        }
    }
}

void Controller::record_links(const DeviceFacts& facts) {
    trace::Interval& interval = closed_.front().interval;
    const scheduler::Snapshot& snapshot = closed_.front().snapshot;
    for (const LinkUse& use : facts.links) {
        const scheduler::Snapshot::Link& link = snapshot.link(use.from, use.to);
        interval.link_states.push_back(
            {intervals_,
             use.from.value,
             use.to.value,
             link.bandwidth == kUnlimited ? -1 : link.bandwidth,
             link.latency,
             use.bytes}
        );
    }
}

/// Records the prompt of a sequence once, before its first token or when it ends without one.
void Controller::record_prompt(std::int64_t sequence) {
    SequenceText& text = texts_[sequence];
    if (text.prompt_recorded) {
        return;
    }
    text.prompt_recorded = true;
    std::int64_t position = 0;
    for (const std::int32_t id : *request(sequence).prompt) {
        current_->tokens.push_back({static_cast<std::int32_t>(sequence), position++, id, 0, 0, 1, 0}
        );
    }
}

void Controller::record_tokens(const SourceFacts& facts) {
    for (const TokenFacts& token : facts.tokens) {
        record_prompt(token.sequence);
        SequenceText& text = texts_[token.sequence];
        if (text.ids.empty()) {
            text.first_token = token.end;
        }
        text.ids.push_back(token.id);
        current_->tokens.push_back(
            {static_cast<std::int32_t>(token.sequence),
             token.position,
             token.id,
             token.start,
             token.end,
             0,
             token.logits_checksum}
        );
    }
}

void Controller::record_waits(const SourceFacts& facts) {
    for (const WaitFacts& wait : facts.waits) {
        current_->events.push_back(
            {wait.at,
             static_cast<std::int32_t>(trace::EventCode::admission_waits),
             wait.device.value,
             wait.lacking,
             fmt::format("sequence {} waits: no memory for its cache", wait.sequence)}
        );
    }
}

/// Records a signal and the sequences that it cut off. A replay and a resumed run need to know
/// them.
void Controller::record_interrupt(const SourceFacts& facts) {
    if (facts.stop != StopReason::interrupted) {
        return;
    }
    const auto kind = static_cast<std::int32_t>(trace::EventCode::interrupted);
    current_->events.push_back({facts.clock, kind, -1, -1, "a signal ended the run"});
    for (const RequestFacts& request : facts.ended) {
        if (request.cut_off) {
            const std::size_t sampled = texts_[request.sequence].ids.size();
            current_->events.push_back(
                {facts.clock,
                 kind,
                 -1,
                 request.sequence,
                 fmt::format("sequence {} is cut off after {} tokens", request.sequence, sampled)}
            );
        }
    }
}

/// Records operations and messages, ordered by turn, then device, then program order.
void Controller::record_details(const DeviceFacts& facts) {
    trace::Interval& interval = closed_.front().interval;
    for (const scheduler::OpRecord& op : facts.ops) {
        interval.ops.push_back({op.turn, op.device.value, op.block.value, op.start, op.end});
    }
    for (const scheduler::MessageRecord& m : facts.messages) {
        interval.messages.push_back(
            {m.turn,
             m.from.value,
             m.to.value,
             static_cast<std::int32_t>(m.payload),
             m.layer,
             m.bytes,
             m.begin,
             m.arrival}
        );
    }
    std::ranges::stable_sort(interval.ops, {}, &trace::OpRow::turn);
    std::ranges::stable_sort(interval.messages, {}, &trace::MessageRow::turn);
}

void Controller::record_request(const RequestFacts& facts) {
    record_prompt(facts.sequence);
    const Request& what = request(facts.sequence);
    const SequenceText& text = texts_[facts.sequence];
    trace::RequestRow row;
    row.sequence = static_cast<std::int32_t>(facts.sequence);
    row.slot = facts.slot;
    row.arrival = what.arrival;
    row.begin = facts.begin;
    row.first_token = text.first_token;
    row.end = facts.end;
    row.prompt_tokens = what.prompt_tokens();
    row.sampled_tokens = static_cast<std::int64_t>(text.ids.size());
    if (context_.tokenizer != nullptr) {
        std::vector<std::int32_t> all = *what.prompt;
        all.insert(all.end(), text.ids.begin(), text.ids.end());
        row.prompt_bytes = static_cast<Bytes>(context_.tokenizer->decode(*what.prompt).size());
        row.text = context_.tokenizer->decode(all);
    }
    current_->requests.push_back(row);
    texts_.erase(facts.sequence);
}

} // namespace headroom::runtime
