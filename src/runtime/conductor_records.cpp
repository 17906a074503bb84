// The conductor's second half: from what devices report to the rows of an interval.
#include <algorithm>

#include <fmt/format.h>

#include "base/check.hpp"
#include "runtime/conductor.hpp"

namespace headroom::runtime {

namespace {

std::vector<std::string> payload_names() {
    std::vector<std::string> names;
    for (auto i = static_cast<int>(scheduler::Payload::token);
         i <= static_cast<int>(scheduler::Payload::sampled);
         ++i) {
        names.emplace_back(scheduler::name_of(static_cast<scheduler::Payload>(i)));
    }
    return names;
}

} // namespace

trace::RunHeader Conductor::header() const {
    const scheduler::Fleet& fleet = scenario_->fleet;
    const scheduler::Snapshot start = scheduler::take_snapshot(fleet, 0, 0);
    trace::RunHeader run;
    run.attributes = options_->attributes;
    run.attributes["model"] = setup_->model.name;
    run.attributes["model_hash"] = setup_->model_hash;
    run.attributes["kernels"] = std::string(kernels::name_of(setup_->level));
    if (!setup_->kernels_note.empty()) {
        run.attributes["kernels_note"] = setup_->kernels_note;
    }
    run.attributes["policy"] = std::string(options_->policy->name());
    run.attributes["cost_profile"] =
        std::string(config::name_of(scenario_->controller.cost_profile));
    run.attributes["weights"] = std::string(config::name_of(scenario_->controller.weights));
    run.attributes["clock"] = std::string(config::name_of(scenario_->clock.mode));
    run.numbers["seed"] = static_cast<std::int64_t>(scenario_->seed);
    run.numbers["interval"] = scenario_->controller.interval;
    run.numbers["sequences"] = static_cast<std::int64_t>(setup_->prompts.size());
    run.numbers["prompt_tokens"] = 0;
    for (const std::vector<std::int32_t>& prompt : setup_->prompts) {
        run.numbers["prompt_tokens"] += static_cast<std::int64_t>(prompt.size());
    }
    run.numbers["tokens"] = scenario_->workload.tokens;
    run.scenario = config::resolved_text(*scenario_);
    run.input_files = scenario_->input_files;
    run.with_ops = options_->trace_ops;
    for (const std::string_view name : scheduler::policy_names()) {
        run.codes["intervals.policy"].emplace_back(name);
    }
    if (run.with_ops) {
        run.codes["messages.kind"] = payload_names();
    }
    const Bytes buffers =
        scheduler::buffer_bytes(blocks_->shape(), setup_->tokens_per_turn, blocks_->cut());
    const auto limited = [](PerSecond rate) { return rate == kUnlimited ? -1 : rate; };
    for (std::size_t d = 0; d < fleet.size(); ++d) {
        const scheduler::Snapshot::Device& device = start.devices[d];
        run.devices.push_back(
            {fleet.devices[d].name,
             device.compute,
             device.memory,
             limited(device.memory_bandwidth),
             fleet.devices[d].has_storage ? device.storage_bandwidth : -1,
             buffers,
             fleet.source == DeviceId(d) ? 1 : 0}
        );
        for (std::size_t to = 0; to < fleet.size(); ++to) {
            if (to != d) {
                const scheduler::Snapshot::Link& link = start.link(DeviceId(d), DeviceId(to));
                run.links.push_back(
                    {static_cast<std::int32_t>(d),
                     static_cast<std::int32_t>(to),
                     limited(link.bandwidth),
                     link.latency}
                );
            }
        }
    }
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

void Conductor::record(const std::vector<Report>& reports) {
    const Report& source = reports[scenario_->fleet.source.index()];
    record_devices(reports);
    record_links(reports);
    record_tokens(source);
    record_details(reports);
    trace::IntervalRow& row = interval_.row;
    row.t_end = source.clock;
    row.tokens = static_cast<std::int64_t>(source.sampled.size());
    Nanoseconds decode = 0;
    std::int64_t steps = 0;
    for (const SampledNote& token : source.sampled) {
        if (token.position > prompt_tokens()) {
            decode += token.end - token.start;
            ++steps;
        }
    }
    row.measured_inference_ns = steps > 0 ? decode / steps : 0;
    elapsed_wall_ = source.elapsed_wall;
    if (source.stop != Stop::no) {
        record_request(source);
    }
}

void Conductor::record_devices(const std::vector<Report>& reports) {
    for (std::size_t d = 0; d < reports.size(); ++d) {
        const Report& report = reports[d];
        interval_.resources.push_back(
            {intervals_,
             static_cast<std::int32_t>(d),
             snapshot_.devices[d].compute,
             snapshot_.devices[d].memory,
             report.held,
             report.peak,
             report.log.paged,
             report.process_bytes}
        );
        lateness_max_ = std::max(lateness_max_, report.lateness_max);
        for (const OverloadRecord& overload : report.log.overloads) {
            interval_.events.push_back(
                {overload.at,
                 static_cast<std::int32_t>(trace::EventKind::overload),
                 static_cast<std::int32_t>(d),
                 overload.over,
                 "holds more than its budget; paged"}
            );
        }
    }
}

void Conductor::record_links(const std::vector<Report>& reports) {
    for (std::size_t from = 0; from < reports.size(); ++from) {
        for (std::size_t to = 0; to < reports.size(); ++to) {
            if (reports[from].log.sent[to] > 0) {
                const scheduler::Snapshot::Link& link =
                    snapshot_.link(DeviceId(from), DeviceId(to));
                interval_.link_states.push_back(
                    {intervals_,
                     static_cast<std::int32_t>(from),
                     static_cast<std::int32_t>(to),
                     link.bandwidth == kUnlimited ? -1 : link.bandwidth,
                     link.latency,
                     reports[from].log.sent[to]}
                );
            }
        }
    }
}

void Conductor::record_tokens(const Report& source) {
    const auto sequence = static_cast<std::int32_t>(sequence_);
    if (sequence_begins()) {
        for (const std::int32_t id : prompt()) {
            const auto position = static_cast<std::int64_t>(interval_.tokens.size());
            interval_.tokens.push_back({sequence, position, id, 0, 0, 1, 0});
        }
        first_token_ = source.sampled.empty() ? 0 : source.sampled.front().end;
    }
    for (const SampledNote& token : source.sampled) {
        interval_.tokens.push_back(
            {sequence, token.position, token.id, token.start, token.end, 0, token.logits_checksum}
        );
        ids_.push_back(token.id);
    }
    sampled_ += static_cast<std::int64_t>(source.sampled.size());
}

void Conductor::record_details(const std::vector<Report>& reports) {
    for (const Report& report : reports) {
        for (const TurnOp& op : report.log.ops) {
            interval_.ops.push_back(
                {op.turn, op.op.device.value, op.op.block.value, op.op.start, op.op.end}
            );
        }
        for (const TurnMessage& m : report.log.messages) {
            interval_.messages.push_back(
                {m.turn,
                 m.message.from.value,
                 m.message.to.value,
                 static_cast<std::int32_t>(m.message.payload),
                 m.message.layer,
                 m.message.bytes,
                 m.message.begin,
                 m.message.arrival}
            );
        }
    }
    const auto by_turn = [](const auto& a, const auto& b) { return a.turn < b.turn; };
    std::stable_sort(interval_.ops.begin(), interval_.ops.end(), by_turn);
    std::stable_sort(interval_.messages.begin(), interval_.messages.end(), by_turn);
}

void Conductor::record_request(const Report& source) {
    std::vector<std::int32_t> all = prompt();
    all.insert(all.end(), ids_.begin(), ids_.end());
    trace::RequestRow request;
    request.sequence = static_cast<std::int32_t>(sequence_);
    request.begin = begin_;
    request.first_token = first_token_;
    request.end = source.clock;
    request.prompt_tokens = prompt_tokens();
    request.sampled_tokens = static_cast<std::int64_t>(ids_.size());
    request.prompt_bytes = static_cast<Bytes>(setup_->tokenizer->decode(prompt()).size());
    request.text = setup_->tokenizer->decode(all);
    interval_.requests.push_back(request);
}

} // namespace headroom::runtime
