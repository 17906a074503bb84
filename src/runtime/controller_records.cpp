// The controller's second half: from what happened to the rows of an interval.
#include <algorithm>

#include <fmt/format.h>

#include "base/check.hpp"
#include "runtime/controller.hpp"

namespace headroom::runtime {

namespace {

/// Devices whose every pair has a row in /links.
constexpr std::size_t kLinksToldOneByOne = 256;

std::vector<std::string> payload_names() {
    std::vector<std::string> names;
    for (auto i = static_cast<int>(scheduler::Payload::token);
         i <= static_cast<int>(scheduler::Payload::ring_x);
         ++i) {
        names.emplace_back(scheduler::name_of(static_cast<scheduler::Payload>(i)));
    }
    return names;
}

} // namespace

trace::RunHeader Controller::header() const {
    trace::RunHeader run;
    run.attributes = subject_.attributes;
    run.attributes["policy"] = std::string(subject_.policy->name());
    run.attributes["cost_profile"] =
        std::string(config::name_of(scenario_->controller.cost_profile));
    run.attributes["weights"] = std::string(config::name_of(scenario_->controller.weights));
    run.numbers["seed"] = static_cast<std::int64_t>(scenario_->seed);
    run.numbers["interval"] = scenario_->controller.interval;
    run.numbers["sequences"] = static_cast<std::int64_t>(subject_.prompts->size());
    run.numbers["prompt_tokens"] = 0;
    for (const std::vector<std::int32_t>& prompt : *subject_.prompts) {
        run.numbers["prompt_tokens"] += static_cast<std::int64_t>(prompt.size());
    }
    run.numbers["tokens"] = scenario_->workload.tokens;
    run.scenario = config::resolved_text(*scenario_);
    run.input_files = scenario_->input_files;
    run.with_ops = subject_.trace_ops;
    for (const std::string_view name : scheduler::policy_names()) {
        run.codes["intervals.policy"].emplace_back(name);
    }
    if (run.with_ops) {
        run.codes["messages.kind"] = payload_names();
    }
    describe_fleet(run);
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

/// Devices and links at time 0. Of large fleets only the links that differ are told one by one.
void Controller::describe_fleet(trace::RunHeader& run) const {
    const scheduler::Fleet& fleet = scenario_->fleet;
    const auto start = [](const scheduler::Profile& profile) { return profile.at(0, 0).value; };
    const auto limited = [](PerSecond rate) { return rate == kUnlimited ? -1 : rate; };
    const Bytes buffers =
        scheduler::buffer_bytes(blocks_->shape(), subject_.tokens_per_turn, blocks_->cut());
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
    // A device has no link to itself: what stands there is what pairs have by default.
    const scheduler::LinkSpec& usual = fleet.network.link(DeviceId(0), DeviceId(0));
    const bool all = fleet.size() <= kLinksToldOneByOne;
    if (!all) {
        add(-1, -1, usual);
    }
    for (std::size_t d = 0; d < fleet.size(); ++d) {
        for (std::size_t other = 0; other < fleet.size(); ++other) {
            const DeviceId from(d);
            const DeviceId to(other);
            const scheduler::LinkSpec& link = fleet.network.link(from, to);
            if (from != to && (all || &link != &usual)) {
                add(from.value, to.value, link);
            }
        }
    }
}

void Controller::record(const IntervalFacts& facts) {
    record_devices(facts);
    record_links(facts);
    record_tokens(facts);
    record_details(facts);
    trace::IntervalRow& row = interval_.row;
    row.t_end = facts.clock;
    row.tokens = static_cast<std::int64_t>(facts.sampled.size());
    Nanoseconds decode = 0;
    std::int64_t steps = 0;
    for (const SampledNote& token : facts.sampled) {
        if (token.position > prompt_tokens()) {
            decode += token.end - token.start;
            ++steps;
        }
    }
    row.measured_inference_ns = steps > 0 ? decode / steps : 0;
    if (facts.stop != Stop::no) {
        record_request(facts.clock);
    }
}

void Controller::record_devices(const IntervalFacts& facts) {
    HEADROOM_CHECK(
        facts.devices.size() == scenario_->fleet.size(), "facts of {} devices", facts.devices.size()
    );
    for (std::size_t d = 0; d < facts.devices.size(); ++d) {
        const DeviceUse& use = facts.devices[d];
        interval_.resources.push_back(
            {intervals_,
             static_cast<std::int32_t>(d),
             question_.snapshot.devices[d].compute,
             question_.snapshot.devices[d].memory,
             use.held,
             use.peak,
             use.paged,
             use.process_bytes}
        );
        for (const OverloadRecord& overload : use.overloads) {
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

void Controller::record_links(const IntervalFacts& facts) {
    for (const LinkUse& use : facts.links) {
        const scheduler::Snapshot::Link& link = question_.snapshot.link(use.from, use.to);
        interval_.link_states.push_back(
            {intervals_,
             use.from.value,
             use.to.value,
             link.bandwidth == kUnlimited ? -1 : link.bandwidth,
             link.latency,
             use.bytes}
        );
    }
}

void Controller::record_tokens(const IntervalFacts& facts) {
    const auto sequence = static_cast<std::int32_t>(sequence_);
    if (sequence_begins()) {
        for (const std::int32_t id : prompt()) {
            const auto position = static_cast<std::int64_t>(interval_.tokens.size());
            interval_.tokens.push_back({sequence, position, id, 0, 0, 1, 0});
        }
        first_token_ = facts.sampled.empty() ? 0 : facts.sampled.front().end;
    }
    for (const SampledNote& token : facts.sampled) {
        interval_.tokens.push_back(
            {sequence, token.position, token.id, token.start, token.end, 0, token.logits_checksum}
        );
        ids_.push_back(token.id);
    }
    sampled_ += static_cast<std::int64_t>(facts.sampled.size());
}

void Controller::record_details(const IntervalFacts& facts) {
    for (const TurnOp& op : facts.ops) {
        interval_.ops.push_back(
            {op.turn, op.op.device.value, op.op.block.value, op.op.start, op.op.end}
        );
    }
    for (const TurnMessage& m : facts.messages) {
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

void Controller::record_request(Nanoseconds end) {
    trace::RequestRow request;
    request.sequence = static_cast<std::int32_t>(sequence_);
    request.begin = begin_;
    request.first_token = first_token_;
    request.end = end;
    request.prompt_tokens = prompt_tokens();
    request.sampled_tokens = static_cast<std::int64_t>(ids_.size());
    if (subject_.tokenizer != nullptr) {
        std::vector<std::int32_t> all = prompt();
        all.insert(all.end(), ids_.begin(), ids_.end());
        request.prompt_bytes = static_cast<Bytes>(subject_.tokenizer->decode(prompt()).size());
        request.text = subject_.tokenizer->decode(all);
    }
    interval_.requests.push_back(request);
}

} // namespace headroom::runtime
