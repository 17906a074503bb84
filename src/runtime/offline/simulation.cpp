#include "runtime/offline/simulation.hpp"

#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "runtime/device/stagger.hpp"
#include "runtime/memory/never.hpp"
#include "runtime/memory/overload.hpp"

namespace headroom::runtime {

namespace {

Subject with_outline(Subject subject, const Outline& outline, const scheduler::Blocks& blocks) {
    subject.blocks = &blocks;
    subject.prompts = &outline.prompts;
    subject.turn_sizes = outline.turn_sizes;
    return subject;
}

bool is_interrupt(int exit_code) {
    return exit_code == static_cast<int>(ExitCode::interrupted) ||
           exit_code == static_cast<int>(ExitCode::terminated);
}

} // namespace

Simulation::Simulation(const Outline& outline, Subject subject)
    : scenario_(*subject.scenario), observer_(subject.observer), detailed_(subject.trace_ops),
      stop_(subject.stop), source_(scenario_.fleet.source),
      blocks_(outline.shape, scenario_.controller.cut()),
      controller_(with_outline(subject, outline, blocks_)),
      timeline_(blocks_, scenario_.fleet.size()),
      holdings_(
          blocks_,
          scheduler::buffer_bytes(outline.shape, outline.turn_sizes, blocks_.cut()),
          scenario_.fleet.size()
      ),
      rows_(static_cast<std::size_t>(scenario_.workload.slots())), uses_(scenario_.fleet.size()) {
    for (std::size_t d = 0; subject.resume != nullptr && d < scenario_.fleet.size(); ++d) {
        timeline_.raise(DeviceId(d), subject.resume->clock);
    }
}

RunOutcome Simulation::run(CourseSettings settings) {
    RunOutcome outcome;
    try {
        outcome.exit_code = Course(std::move(settings), holdings_, *this).run();
    } catch (const Error& error) {
        outcome.exit_code = static_cast<int>(error.code());
        outcome.message = error.what();
    } catch (...) {
        controller_.end(trace::Completion::failed);
        throw;
    }
    controller_.end(
        outcome.exit_code == 0            ? trace::Completion::finished
        : is_interrupt(outcome.exit_code) ? trace::Completion::interrupted
                                          : trace::Completion::failed
    );
    return outcome;
}

/// A slot's caches have so many rows from here on.
void Simulation::hold(std::int32_t slot, std::int64_t rows) {
    std::int64_t& now = rows_[static_cast<std::size_t>(slot)];
    cached_ += paged(rows) - now;
    now = paged(rows);
    most_cached_ = std::max(most_cached_, cached_);
    timeline_.hold_cached(cached_);
}

void Simulation::visit(const std::vector<StartedTurn>& turns) {
    std::vector<scheduler::Batch> walked;
    std::vector<std::int64_t> begun;
    std::shared_ptr<const scheduler::Rates> rates;
    if (!turns.empty()) {
        const std::int64_t sampled = turns.front().turn.sampled;
        rates = std::make_shared<scheduler::FleetRates>(scenario_.fleet, sampled, stop_);
    }
    for (const StartedTurn& started : turns) {
        const Turn& turn = started.turn;
        if (turn.begins_batch()) {
            begun.push_back(turn.number);
            walked.push_back({{}, rates});
        }
        walked.back().turns.push_back(
            {turn.first, turn.tokens, turn.samples, turn.slot, turn.number}
        );
        hold(turn.slot, turn.first + turn.tokens);
    }
    std::int64_t number = timeline_.visit(std::move(walked));
    for (const std::int64_t batch : begun) {
        batches_[batch] = number++;
    }
    check_that_all_ends();
}

std::vector<SampledToken> Simulation::end(const std::vector<Turn>& batch) {
    const auto walked = batches_.find(batch.front().number);
    (void)timeline_.end(walked->second);
    batches_.erase(walked);
    check_that_all_ends();
    std::vector<SampledToken> tokens;
    for (const Turn& turn : batch) {
        tokens.push_back(turn.samples ? token_of(turn) : SampledToken{});
        sampled_ += turn.samples ? 1 : 0;
        if (observer_ != nullptr && turn.samples) {
            observer_->on_token("", sampled_);
        }
    }
    return tokens;
}

void Simulation::close_interval(const SourceFacts& facts) {
    controller_.close_interval(facts);
    const DeviceFacts devices = device_facts();
    if (controller_.incomplete()) {
        controller_.complete(devices);
    }
}

Command Simulation::decide(const SourceFacts& facts) {
    close_interval(facts);
    return controller_.next(facts);
}

void Simulation::install(const Installation& installation) {
    if (!installation.first) {
        note_peaks();
        migrate(installation);
    }
    placement_ = installation.placement;
    holdings_.place(placement_);
    programs_ = scheduler::lower(blocks_, installation.placement, source_, scenario_.fleet.size());
    timeline_.install(
        &programs_,
        stagger(scenario_, blocks_, programs_, installation),
        {source_,
         [this](const scheduler::Timeline::FirstOperation& first) { return over_budget(first); },
         detailed_}
    );
}

void Simulation::migrate(const Installation& installation) {
    const std::vector<scheduler::Move> moves = scheduler::moves_between(
        blocks_,
        placement_,
        installation.placement,
        std::accumulate(installation.rows.begin(), installation.rows.end(), std::int64_t{0}),
        scenario_.controller.weights == config::Weights::everywhere
    );
    if (moves.empty()) {
        return;
    }
    const scheduler::FleetRates rates(scenario_.fleet, installation.seen, stop_);
    std::vector<scheduler::MoveRecord> log;
    Nanoseconds latest = installation.t_switch;
    for (std::size_t d = 0; d < scenario_.fleet.size(); ++d) {
        latest = std::max(latest, timeline_.clock(DeviceId(d)));
    }
    const Nanoseconds resume = timeline_.migrate(moves, rates, installation.t_switch, &log);
    std::vector<Arrived> arrived;
    for (const scheduler::MoveRecord& record : log) {
        if (record.end == kNever) {
            throw StuckError(fmt::format(
                "{} never arrives at device {} ({}): the rate of a link or its storage {}; change "
                "the link's variation, the storage's load or events in the scenario",
                to_string(blocks_.name(record.move.block)),
                record.move.to.value,
                name_of(record.move.to),
                why_never(
                    {record.move.bytes > 0
                         ? &scenario_.fleet.network.link(record.move.from, record.move.to).bandwidth
                         : &scenario_.fleet.devices[record.move.to.index()].storage_bandwidth},
                    record.start,
                    installation.seen
                )
            ));
        }
        arrived.push_back({record.move, record.start, record.end, 0});
        if (record.move.bytes > 0) {
            moved_.push_back({record.move.from, record.move.to, record.move.bytes});
        }
    }
    const Nanoseconds told = controller_.resume_after(installation.t_switch, latest, arrived);
    HEADROOM_CHECK(told == resume, "devices go on at {} ns, the controller says {}", resume, told);
}

Bytes Simulation::over_budget(const scheduler::Timeline::FirstOperation& first) {
    const DeviceId d = first.device;
    const scheduler::DeviceSpec& device = scenario_.fleet.devices[d.index()];
    const Bytes held = holdings_.at(d.index(), first.cached);
    const Bytes over = held - first.rates.memory(d, first.start);
    if (over <= 0) {
        return 0;
    }
    if (!may_page(scenario_.controller.overload, device)) {
        throw over_budget_error(d, device.name, held, over, first.start);
    }
    DeviceUse& use = uses_[d.index()];
    use.overloads.push_back({first.start, over});
    use.paged += over;
    return over;
}

/// The first thing that began and has no end is what the run is stuck in.
void Simulation::check_that_all_ends() const {
    for (const scheduler::OpRecord& op : timeline_.endless().ops) {
        const scheduler::DeviceSpec& device = scenario_.fleet.devices[op.device.index()];
        throw StuckError(fmt::format(
            "device {} ({}) never finishes {} of turn {}: its rate {}; change the device's load or "
            "events in the scenario",
            op.device.value,
            device.name,
            to_string(blocks_.name(op.block)),
            op.turn,
            why_never({&device.compute, &device.memory_bandwidth}, op.start, sampled_)
        ));
    }
    for (const scheduler::MessageRecord& message : timeline_.endless().messages) {
        throw StuckError(fmt::format(
            "{} of turn {} from device {} ({}) never arrives at device {}: the link's rate {}; "
            "change the link's variation or events in the scenario",
            scheduler::name_of(message.payload),
            message.turn,
            message.from.value,
            name_of(message.from),
            message.to.value,
            why_never(
                {&scenario_.fleet.network.link(message.from, message.to).bandwidth,
                 &scenario_.fleet.devices[message.from.index()].egress,
                 &scenario_.fleet.devices[message.to.index()].ingress},
                message.begin,
                sampled_
            )
        ));
    }
}

namespace {

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

} // namespace

/// Within a migration no device holds more than before or after, so the most that was held is what
/// was held at one of its ends, or with the largest caches before or after it.
void Simulation::note_peaks() {
    for (std::size_t d = 0; d < uses_.size(); ++d) {
        uses_[d].peak = std::max(uses_[d].peak, holdings_.at(d, most_cached_));
    }
    most_cached_ = cached_;
}

/// What happened since the last report.
DeviceFacts Simulation::device_facts() {
    note_peaks();
    DeviceFacts facts;
    std::vector<scheduler::DeviceLog> logs = timeline_.mark();
    for (std::size_t d = 0; d < logs.size(); ++d) {
        DeviceUse& use = uses_[d];
        use.held = holdings_.at(d, cached_);
        use.busy = logs[d].busy;
        for (const auto& [to, bytes] : logs[d].sent) {
            moved_.push_back({DeviceId(d), to, bytes});
        }
        const scheduler::TimelineLog& records = logs[d].records;
        facts.ops.insert(facts.ops.end(), records.ops.begin(), records.ops.end());
        facts.messages.insert(
            facts.messages.end(), records.messages.begin(), records.messages.end()
        );
    }
    facts.links = summed(std::exchange(moved_, {}));
    facts.devices = std::exchange(uses_, std::vector<DeviceUse>(uses_.size()));
    return facts;
}

} // namespace headroom::runtime
