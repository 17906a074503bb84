#include "runtime/conductor.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace headroom::runtime {

namespace {

Subject subject_of(const RunOptions& options, const Setup& setup, const scheduler::Blocks& blocks) {
    Subject subject;
    subject.scenario = options.scenario;
    subject.blocks = &blocks;
    subject.policy = options.policy;
    subject.prompts = &setup.prompts;
    subject.tokens_per_turn = setup.tokens_per_turn;
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
    subject.sink = options.sink;
    subject.observer = options.observer;
    return subject;
}

} // namespace

Conductor::Conductor(const RunOptions& options, const Setup& setup, const scheduler::Blocks& blocks)
    : controller_(subject_of(options, setup, blocks)), source_(options.scenario->fleet.source),
      stream_(*setup.tokenizer, options.observer) {}

/// A sequence that begins is shown from its prompt on.
Command Conductor::announced(Command command) {
    if (command.begins) {
        stream_.begin(controller_.prompt());
    }
    return command;
}

Command Conductor::first() {
    return announced(controller_.first());
}

void Conductor::show(std::int32_t id) {
    if (id >= 0) {
        stream_.show(id);
    }
}

Nanoseconds Conductor::resume_after(const std::vector<std::vector<Arrived>>& arrived) {
    std::vector<Arrived> all;
    for (const std::vector<Arrived>& here : arrived) {
        all.insert(all.end(), here.begin(), here.end());
    }
    std::sort(all.begin(), all.end(), [](const Arrived& a, const Arrived& b) {
        return a.move.block < b.move.block;
    });
    return controller_.resume_after(all);
}

Command Conductor::next(const std::vector<Report>& reports) {
    for (const Report& report : reports) {
        lateness_max_ = std::max(lateness_max_, report.lateness_max);
    }
    const Report& source = reports[source_.index()];
    elapsed_wall_ = source.elapsed_wall;
    if (source.stop != Stop::no) {
        stream_.end();
    }
    return announced(controller_.next(facts_of(reports)));
}

IntervalFacts Conductor::facts_of(const std::vector<Report>& reports) const {
    const Report& source = reports[source_.index()];
    IntervalFacts facts;
    facts.clock = source.clock;
    facts.stop = source.stop;
    facts.interrupt_code = source.interrupt_code;
    facts.sampled = source.sampled;
    for (std::size_t d = 0; d < reports.size(); ++d) {
        const Report& report = reports[d];
        facts.devices.push_back(
            {report.held, report.peak, report.log.paged, report.process_bytes, report.log.overloads}
        );
        for (std::size_t to = 0; to < report.log.sent.size(); ++to) {
            if (report.log.sent[to] > 0) {
                facts.links.push_back({DeviceId(d), DeviceId(to), report.log.sent[to]});
            }
        }
        facts.ops.insert(facts.ops.end(), report.log.ops.begin(), report.log.ops.end());
        facts.messages.insert(
            facts.messages.end(), report.log.messages.begin(), report.log.messages.end()
        );
    }
    const auto by_turn = [](const auto& a, const auto& b) { return a.turn < b.turn; };
    std::stable_sort(facts.ops.begin(), facts.ops.end(), by_turn);
    std::stable_sort(facts.messages.begin(), facts.messages.end(), by_turn);
    return facts;
}

} // namespace headroom::runtime
