#include "runtime/control/conductor.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace headroom::runtime {

namespace {

Subject subject_of(const RunOptions& options, const Setup& setup, const scheduler::Blocks& blocks) {
    Subject subject;
    subject.scenario = options.scenario;
    subject.blocks = &blocks;
    subject.policy = options.policy;
    subject.prompts = &setup.prompts;
    subject.turn_sizes = setup.turn_sizes;
    subject.resume = setup.resume_point();
    subject.tokenizer = setup.tokenizer.get();
    subject.attributes = options.attributes;
    subject.attributes["execution"] = "decoded";
    subject.attributes["clock"] = config::name_of(options.scenario->clock.mode);
    subject.attributes["model"] = setup.model.name;
    subject.attributes["model_hash"] = setup.model_hash;
    subject.attributes["kernels"] = kernels::name_of(setup.level);
    if (!setup.kernels_note.empty()) {
        subject.attributes["kernels_note"] = setup.kernels_note;
    }
    subject.trace_ops = options.trace_ops;
    subject.stop = options.stop;
    subject.sink = options.sink;
    subject.observer = options.observer;
    return subject;
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

/// Of sequences that had ended when the run was broken off.
std::int64_t tokens_of_ended(const std::optional<ResumePoint>& resume) {
    std::int64_t tokens = resume ? resume->sampled : 0;
    for (std::size_t i = 0; resume && i < resume->open.size(); ++i) {
        tokens -= static_cast<std::int64_t>(resume->open[i].sampled.size());
    }
    return tokens;
}

} // namespace

Conductor::Conductor(const RunOptions& options, const Setup& setup, const scheduler::Blocks& blocks)
    : controller_(subject_of(options, setup, blocks)), devices_(options.scenario->fleet.size()),
      stream_(
          *setup.tokenizer,
          options.observer,
          options.scenario->workload.slots() == 1,
          tokens_of_ended(setup.resume)
      ) {}

void Conductor::show(const ShownToken& token) {
    switch (token.kind) {
    case ShownToken::Kind::begin:
        begin_text(token.sequence);
        return;
    case ShownToken::Kind::token:
        stream_.show(token.sequence, token.id);
        return;
    case ShownToken::Kind::end:
        stream_.end(token.sequence);
        return;
    }
}

/// With what the sequence had before its run was broken off.
void Conductor::begin_text(std::int64_t sequence) {
    const Request& request = controller_.requests()[static_cast<std::size_t>(sequence)];
    stream_.begin(sequence, *request.prompt);
    for (std::size_t i = request.prompt->size(); i < request.taken_in().size(); ++i) {
        stream_.show(sequence, request.taken_in()[i]);
    }
}

Nanoseconds Conductor::resume_after(Nanoseconds t_switch, const std::vector<Arrivals>& arrivals) {
    std::vector<Arrived> all;
    Nanoseconds earliest = t_switch;
    for (const Arrivals& here : arrivals) {
        earliest = std::max(earliest, here.clock);
        all.insert(all.end(), here.blocks.begin(), here.blocks.end());
    }
    std::sort(all.begin(), all.end(), [](const Arrived& a, const Arrived& b) {
        return a.move.block < b.move.block;
    });
    return controller_.resume_after(t_switch, earliest, all);
}

Command Conductor::next(const SourceFacts& facts) {
    elapsed_wall_ = facts.elapsed_wall;
    try {
        return controller_.next(facts);
    } catch (const Error& error) {
        message_ = error.what();
        Command finish;
        finish.finish = true;
        finish.exit_code = static_cast<std::int32_t>(error.code());
        return finish;
    }
}

std::optional<DeviceId> Conductor::awaited() const {
    if (!controller_.incomplete()) {
        return std::nullopt;
    }
    return DeviceId(reports_.size());
}

void Conductor::take(Report report) {
    lateness_max_ = std::max(lateness_max_, report.lateness_max);
    reports_.push_back(std::move(report));
    if (reports_.size() == devices_) {
        controller_.complete(facts_of(reports_));
        reports_.clear();
    }
}

} // namespace headroom::runtime
