#include "runtime/simulate.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "runtime/controller.hpp"
#include "runtime/outline.hpp"
#include "runtime/overload.hpp"
#include "scheduler/program.hpp"
#include "scheduler/timeline.hpp"

namespace headroom::runtime {

namespace {

/// What every device holds under a placement: a sum of blocks, with caches that grow together.
class Holdings {
  public:
    Holdings(const scheduler::Blocks& blocks, Bytes buffers, std::size_t devices)
        : blocks_(&blocks), buffers_(buffers), weights_(devices), groups_(devices) {}

    void place(const scheduler::Placement& placement) {
        std::fill(weights_.begin(), weights_.end(), 0);
        std::fill(groups_.begin(), groups_.end(), 0);
        std::vector<bool> used(weights_.size());
        for (std::size_t i = 0; i < placement.size(); ++i) {
            const BlockId b(i);
            const std::size_t d = placement[i].index();
            weights_[d] += blocks_->weight_bytes(b, placement);
            groups_[d] += blocks_->name(b).kind == BlockKind::group ? 1 : 0;
            used[d] = true;
        }
        for (std::size_t d = 0; d < used.size(); ++d) {
            weights_[d] += used[d] ? buffers_ : 0;
        }
    }

    /// With caches of so many rows.
    [[nodiscard]] Bytes at(std::size_t device, std::int64_t rows) const {
        return weights_[device] +
               groups_[device] * blocks_->cache_bytes(blocks_->group(0, 0), rows);
    }

  private:
    const scheduler::Blocks* blocks_;
    Bytes buffers_;
    std::vector<Bytes> weights_; ///< with buffers
    std::vector<std::int64_t> groups_;
};

class Simulation {
  public:
    Simulation(const RunOptions& options, const Outline& outline, int (*interrupted)());
    RunOutcome run();

  private:
    void install(const Command& command);
    void migrate(const Command& command);
    void decode();
    Stop one_turn();
    void walk(const scheduler::TurnWork& work);
    [[nodiscard]] Bytes over_budget(DeviceId d, Nanoseconds at, std::int64_t rows);
    void check_that_all_ends(const scheduler::TimelineLog& log) const;
    void note(const scheduler::TimelineLog& log);
    [[nodiscard]] Stop after() const;
    void close_interval();
    [[nodiscard]] Subject subject(const RunOptions& options) const;
    [[nodiscard]] const std::string& name_of(DeviceId d) const {
        return scenario_.fleet.devices[d.index()].name;
    }
    [[nodiscard]] std::int64_t prompt_tokens() const {
        return static_cast<std::int64_t>(outline_.prompts[sequence_].size());
    }

    const config::Scenario& scenario_;
    const Outline& outline_;
    Observer* observer_;
    int (*interrupted_)();
    bool detailed_;
    DeviceId source_;
    scheduler::Blocks blocks_;
    Controller controller_;
    scheduler::Timeline timeline_;
    Holdings holdings_;
    std::vector<scheduler::Program> programs_;
    std::size_t sequence_ = 0;
    std::int64_t turns_ = 0;   ///< begun so far; one per sampled token
    std::int64_t decoded_ = 0; ///< tokens sampled in the sequence
    std::int64_t rows_ = 0;    ///< in the caches
    IntervalFacts facts_;      ///< being filled
};

Simulation::Simulation(const RunOptions& options, const Outline& outline, int (*interrupted)())
    : scenario_(*options.scenario), outline_(outline), observer_(options.observer),
      interrupted_(interrupted), detailed_(options.trace_ops), source_(scenario_.fleet.source),
      blocks_(outline.shape, scenario_.controller.cut()), controller_(subject(options)),
      timeline_(blocks_, scenario_.fleet.size()),
      holdings_(
          blocks_,
          scheduler::buffer_bytes(outline.shape, outline.tokens_per_turn, blocks_.cut()),
          scenario_.fleet.size()
      ) {}

Subject Simulation::subject(const RunOptions& options) const {
    Subject subject;
    subject.scenario = &scenario_;
    subject.blocks = &blocks_;
    subject.policy = options.policy;
    subject.prompts = &outline_.prompts;
    subject.tokens_per_turn = outline_.tokens_per_turn;
    subject.attributes = options.attributes;
    subject.attributes["execution"] = "simulated";
    subject.attributes["clock"] = config::name_of(config::ClockMode::virtual_time);
    subject.attributes["model"] = outline_.name;
    subject.trace_ops = options.trace_ops;
    subject.sink = options.sink;
    subject.observer = options.observer;
    return subject;
}

RunOutcome Simulation::run() {
    RunOutcome outcome;
    try {
        Command command = controller_.first();
        while (!command.finish) {
            install(command);
            decode();
            close_interval();
            command = controller_.next(facts_);
        }
        outcome.exit_code = command.exit_code;
    } catch (const Error& error) {
        outcome.exit_code = static_cast<int>(error.code());
        outcome.message = error.what();
    } catch (...) {
        controller_.end(trace::Completion::failed);
        throw;
    }
    const bool interrupted = facts_.stop == Stop::interrupted;
    controller_.end(
        outcome.exit_code == 0 ? trace::Completion::finished
        : interrupted          ? trace::Completion::interrupted
                               : trace::Completion::failed
    );
    return outcome;
}

void Simulation::install(const Command& command) {
    facts_ = {};
    facts_.devices.resize(scenario_.fleet.size());
    if (command.begins) {
        sequence_ = static_cast<std::size_t>(command.sequence);
        decoded_ = 0;
        rows_ = 0;
    }
    for (std::size_t d = 0; d < facts_.devices.size(); ++d) {
        facts_.devices[d].peak = holdings_.at(d, rows_);
    }
    if (command.moved) {
        migrate(command);
    }
    if (command.first || command.moved) {
        holdings_.place(command.placement);
        programs_ = scheduler::lower(blocks_, command.placement, source_, scenario_.fleet.size());
    }
}

void Simulation::migrate(const Command& command) {
    const scheduler::FleetRates rates(
        scenario_.fleet, std::max<std::int64_t>(0, command.sampled - 1)
    );
    std::vector<scheduler::MoveRecord> log;
    const Nanoseconds resume =
        timeline_.migrate(controller_.moves(), rates, command.t_switch, &log);
    std::vector<Arrived> arrived;
    for (const scheduler::MoveRecord& record : log) {
        if (record.end == kNever) {
            throw StuckError(fmt::format(
                "{} never arrives at device {} ({}): a link or its storage stays 0, expected it to "
                "rise again; change the link's variation, the storage's load or events in the "
                "scenario",
                to_string(blocks_.name(record.move.block)),
                record.move.to.value,
                name_of(record.move.to)
            ));
        }
        arrived.push_back({record.move, record.start, record.end, 0});
        if (record.move.bytes > 0) {
            facts_.links.push_back({record.move.from, record.move.to, record.move.bytes});
        }
    }
    const Nanoseconds told = controller_.resume_after(arrived);
    HEADROOM_CHECK(told == resume, "devices go on at {} ns, the controller says {}", resume, told);
}

/// Up to λ turns.
void Simulation::decode() {
    for (std::int64_t i = 0; i < scenario_.controller.interval; ++i) {
        facts_.stop = one_turn();
        if (facts_.stop != Stop::no) {
            break;
        }
    }
}

Stop Simulation::one_turn() {
    const scheduler::TurnWork work = decoded_ == 0
                                         ? scheduler::TurnWork{0, prompt_tokens()}
                                         : scheduler::TurnWork{prompt_tokens() + decoded_ - 1, 1};
    const Nanoseconds start = timeline_.clock(source_);
    walk(work);
    rows_ = work.first + work.tokens;
    facts_.sampled.push_back({rows_, -1, start, timeline_.clock(source_), 0});
    ++turns_;
    ++decoded_;
    if (observer_ != nullptr) {
        observer_->on_token("", turns_);
    }
    return after();
}

void Simulation::walk(const scheduler::TurnWork& work) {
    const scheduler::FleetRates rates(scenario_.fleet, turns_);
    const scheduler::Timeline::Overload overload = [&](DeviceId d, Nanoseconds at) {
        const Bytes held = holdings_.at(d.index(), work.first + work.tokens);
        const Bytes over = held - rates.memory(d, at);
        if (over <= 0) {
            return Bytes{0};
        }
        const scheduler::DeviceSpec& device = scenario_.fleet.devices[d.index()];
        if (!may_page(scenario_.controller.overload, device)) {
            throw over_budget_error(d, device.name, held, over, at);
        }
        DeviceUse& use = facts_.devices[d.index()];
        use.overloads.push_back({at, over});
        use.paged += over;
        return over;
    };
    scheduler::TimelineLog log;
    (void)timeline_.turn(programs_, rates, work, source_, &overload, &log);
    check_that_all_ends(log);
    note(log);
}

/// The first thing that began and has no end is what the turn is stuck in.
void Simulation::check_that_all_ends(const scheduler::TimelineLog& log) const {
    for (const scheduler::OpRecord& op : log.ops) {
        if (op.start != kNever && op.end == kNever) {
            throw StuckError(fmt::format(
                "device {} ({}) never finishes {} of turn {}: its rate stays 0, expected it to "
                "rise again; change the device's load or events in the scenario",
                op.device.value,
                name_of(op.device),
                to_string(blocks_.name(op.block)),
                turns_
            ));
        }
    }
    for (const scheduler::MessageRecord& message : log.messages) {
        if (message.begin != kNever && message.arrival == kNever) {
            throw StuckError(fmt::format(
                "{} of turn {} from device {} ({}) never arrives at device {}: the link's rate "
                "stays 0, expected it to rise again; change the link's variation or events in the "
                "scenario",
                scheduler::name_of(message.payload),
                turns_,
                message.from.value,
                name_of(message.from),
                message.to.value
            ));
        }
    }
    HEADROOM_CHECK(timeline_.clock(source_) != kNever, "turn {} never ends", turns_);
}

void Simulation::note(const scheduler::TimelineLog& log) {
    for (const scheduler::MessageRecord& message : log.messages) {
        facts_.links.push_back({message.from, message.to, message.bytes});
    }
    if (!detailed_) {
        return;
    }
    for (const scheduler::OpRecord& op : log.ops) {
        facts_.ops.push_back({turns_, op});
    }
    for (const scheduler::MessageRecord& message : log.messages) {
        facts_.messages.push_back({turns_, message});
    }
}

/// An interrupt ends no run that is complete.
Stop Simulation::after() const {
    const bool ended = decoded_ == scenario_.workload.tokens;
    const bool last = sequence_ + 1 == outline_.prompts.size();
    if (interrupted_ != nullptr && interrupted_() != 0 && !(ended && last)) {
        return Stop::interrupted;
    }
    return ended ? Stop::sequence_ended : Stop::no;
}

/// One entry per link that was used, by sender and receiver.
std::vector<LinkUse> summed(std::vector<LinkUse> uses) {
    std::sort(uses.begin(), uses.end(), [](const LinkUse& a, const LinkUse& b) {
        return a.from == b.from ? a.to < b.to : a.from < b.from;
    });
    std::vector<LinkUse> sums;
    for (const LinkUse& use : uses) {
        if (!sums.empty() && sums.back().from == use.from && sums.back().to == use.to) {
            sums.back().bytes += use.bytes;
        } else {
            sums.push_back(use);
        }
    }
    return sums;
}

/// Within a migration no device holds more than before or after, and caches only grow, so the most
/// that was held is what was held at one of the interval's ends.
void Simulation::close_interval() {
    facts_.clock = timeline_.clock(source_);
    if (facts_.stop == Stop::interrupted) {
        facts_.interrupt_code = interrupted_();
    }
    for (std::size_t d = 0; d < facts_.devices.size(); ++d) {
        DeviceUse& use = facts_.devices[d];
        use.held = holdings_.at(d, rows_);
        use.peak = std::max(use.peak, use.held);
    }
    facts_.links = summed(std::move(facts_.links));
}

} // namespace

RunOutcome simulate(const RunOptions& options, int (*interrupted)()) {
    try {
        const Outline outline = outline_of(*options.scenario);
        return Simulation(options, outline, interrupted).run();
    } catch (const Error& error) {
        RunOutcome outcome;
        outcome.exit_code = static_cast<int>(error.code());
        outcome.message = error.what();
        return outcome;
    }
}

} // namespace headroom::runtime
