#include "runtime/control/controller_host.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace headroom::runtime {

namespace {

ControllerContext controller_context(
    const RunOptions& options, const Setup& setup, const scheduler::Blocks& blocks
) {
    ControllerContext context = context_of(options);
    context.blocks = &blocks;
    context.prompts = &setup.prompts;
    context.turn_sizes = setup.turn_sizes;
    context.resume = setup.resume_point();
    context.tokenizer = setup.tokenizer.get();
    context.attributes["execution"] = "decoded";
    context.attributes["clock"] = config::name_of(options.scenario->clock.mode);
    context.attributes["model"] = setup.model.name;
    context.attributes["model_hash"] = setup.model_hash;
    context.attributes["kernels"] = kernels::name_of(setup.level);
    if (!setup.kernels_note.empty()) {
        context.attributes["kernels_note"] = setup.kernels_note;
    }
    return context;
}

DeviceFacts facts_of(const std::vector<Report>& reports) {
    DeviceFacts facts;
    for (std::size_t d = 0; d < reports.size(); ++d) {
        const Report& report = reports[d];
        const TurnLog& log = report.log;
        facts.devices.push_back(
            {report.held, report.peak, log.paged, report.process_bytes, log.busy, log.overloads}
        );
        for (std::size_t to = 0; to < log.sent.size(); ++to) {
            if (log.sent[to] > 0) {
                facts.links.push_back({DeviceId(d), DeviceId(to), log.sent[to]});
            }
        }
        facts.ops.insert(facts.ops.end(), log.ops.begin(), log.ops.end());
        facts.messages.insert(facts.messages.end(), log.messages.begin(), log.messages.end());
    }
    return facts;
}

/// Returns the number of tokens of the sequences that had ended before the run was resumed.
std::int64_t tokens_of_ended(const std::optional<ResumePoint>& resume) {
    std::int64_t tokens = resume ? resume->sampled : 0;
    for (std::size_t i = 0; resume && i < resume->unfinished.size(); ++i) {
        tokens -= static_cast<std::int64_t>(resume->unfinished[i].sampled.size());
    }
    return tokens;
}

} // namespace

ControllerHost::ControllerHost(
    const RunOptions& options, const Setup& setup, const scheduler::Blocks& blocks
)
    : controller_(controller_context(options, setup, blocks)),
      devices_(options.scenario->fleet.size()), stream_(
                                                    *setup.tokenizer,
                                                    options.observer,
                                                    options.scenario->workload.slots() == 1,
                                                    tokens_of_ended(setup.resume)
                                                ) {}

void ControllerHost::show(const TextEvent& event) {
    switch (event.kind) {
    case TextEvent::Kind::begin:
        return begin_text(event.sequence);
    case TextEvent::Kind::token:
        return stream_.show(event.sequence, event.id);
    case TextEvent::Kind::end:
        return stream_.end(event.sequence);
    }
}

/// Begins a text. In a resumed run this includes the recorded sampled tokens.
void ControllerHost::begin_text(std::int64_t sequence) {
    const Request& request = controller_.requests()[static_cast<std::size_t>(sequence)];
    stream_.begin(sequence, *request.prompt);
    for (std::size_t i = request.prompt->size(); i < request.prefill_ids().size(); ++i) {
        stream_.show(sequence, request.prefill_ids()[i]);
    }
}

Nanoseconds ControllerHost::resume_after(
    Nanoseconds t_switch, const std::vector<Arrivals>& arrivals
) {
    std::vector<ArrivedBlock> all;
    Nanoseconds earliest = t_switch;
    for (const Arrivals& device : arrivals) {
        earliest = std::max(earliest, device.clock);
        all.insert(all.end(), device.blocks.begin(), device.blocks.end());
    }
    std::ranges::sort(all, {}, [](const ArrivedBlock& arrived) { return arrived.move.block; });
    return controller_.resume_after(t_switch, earliest, all);
}

Command ControllerHost::next_command(const SourceFacts& facts) {
    outcome_.elapsed_wall = facts.elapsed_wall;
    try {
        return controller_.next_command(facts);
    } catch (const Error& error) {
        outcome_.message = error.what();
        return {.finish = true, .exit_code = static_cast<std::int32_t>(error.code())};
    }
}

std::optional<DeviceId> ControllerHost::next_reporter() const {
    if (!controller_.has_closed_interval()) {
        return std::nullopt;
    }
    return DeviceId(reports_.size());
}

void ControllerHost::add_report(Report report) {
    outcome_.lateness_max = std::max(outcome_.lateness_max, report.lateness_max);
    reports_.push_back(std::move(report));
    if (reports_.size() == devices_) {
        controller_.complete_interval(facts_of(reports_));
        reports_.clear();
    }
}

} // namespace headroom::runtime
