#include "scheduler/timing/round_simulation.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/check.hpp"
#include "base/int128.hpp"

namespace headroom::scheduler {

namespace {

/// Returns duration · n, or kNever if that is larger.
Nanoseconds times(Nanoseconds duration, std::int64_t n) {
    return duration > kNever / n ? kNever : duration * n;
}

} // namespace

RoundSimulator::RoundSimulator(const RoundPlan& plan, std::int64_t visits)
    : plan_(&plan), visits_(visits), batches_(static_cast<std::size_t>(visits)),
      clocks_(plan.active_devices.size()), egress_free_(plan.active_devices.size()),
      ingress_free_(plan.active_devices.size()), link_free_(plan.links) {
    sort_due_segments();
    check_order();
}

/// Sorts the segments of all devices as TurnSchedule does for one device.
void RoundSimulator::sort_due_segments() {
    for (std::size_t i = 0; i < plan_->segments.size(); ++i) {
        const ScheduleKey& key = plan_->segments[i].key;
        const Int128 time = Int128{visits_} * key.time;
        const auto visits_ago = static_cast<std::int64_t>(time / plan_->period);
        const auto at = static_cast<Nanoseconds>(time % plan_->period);
        if (plan_->source_end != i) {
            due_.push_back({visits_ago, at, key.depth, i});
        }
    }
    std::sort(due_.begin(), due_.end(), [](const DueSegment& a, const DueSegment& b) {
        return std::tie(a.at, b.visits_ago, a.depth, a.segment) <
               std::tie(b.at, a.visits_ago, b.depth, b.segment);
    });
}

/// Checks that every message is sent before it is received.
void RoundSimulator::check_order() const {
    std::vector<std::pair<std::int64_t, std::size_t>> order(
        plan_->segments.size(), {visits_, 0}
        // the source's last segment is executed one cycle later
    );
    for (std::size_t i = 0; i < due_.size(); ++i) {
        order[due_[i].segment] = {due_[i].visits_ago, i};
    }
    std::vector<std::size_t> sender(plan_->messages.size());
    for (const OpCode code : {OpCode::send, OpCode::receive}) {
        for (std::size_t s = 0; s < plan_->segments.size(); ++s) {
            for (std::size_t i = plan_->segments[s].first; i < plan_->segments[s].last; ++i) {
                const RoundPlan::Action& action = plan_->actions[i];
                if (action.code == code && code == OpCode::send) {
                    sender[action.index] = s;
                } else if (action.code == code) {
                    HEADROOM_CHECK(
                        order[sender[action.index]] < order[s],
                        "segment {} waits for a later one, {}",
                        s,
                        sender[action.index]
                    );
                }
            }
        }
    }
}

Nanoseconds RoundSimulator::visit(std::span<const Batch> batches) {
    std::vector<BatchState>& running_batches = batches_[static_cast<std::size_t>(visit_ % visits_)];
    Nanoseconds ended_at = 0;
    if (visit_ >= visits_) {
        for (BatchState& running : running_batches) {
            if (plan_->source_end) {
                run(*plan_->source_end, running);
            }
        }
        ended_at = clocks_[plan_->source];
    }
    running_batches.resize(batches.size());
    for (std::size_t i = 0; i < batches.size(); ++i) {
        begin(running_batches[i], batches[i].turns);
    }
    run_due_segments();
    ++visit_;
    return ended_at;
}

/// Executes the segments that are due until the next visit. Segments with equal keys are executed
/// for one batch after the other.
void RoundSimulator::run_due_segments() {
    for (std::size_t first = 0; first < due_.size();) {
        const std::int64_t visits_ago = due_[first].visits_ago;
        std::size_t last = first + 1;
        while (last < due_.size() && are_simultaneous(due_[first], due_[last])) {
            ++last;
        }
        if (visits_ago <= visit_) {
            for (BatchState& running :
                 batches_[static_cast<std::size_t>((visit_ - visits_ago) % visits_)]) {
                for (std::size_t i = first; i < last; ++i) {
                    run(due_[i].segment, running);
                }
            }
        }
        first = last;
    }
}

/// Computes the durations of all operations, unless the previous batch had equal turns.
void RoundSimulator::begin(BatchState& running, const std::vector<TurnWork>& turns) const {
    if (turns == running.turns) {
        return;
    }
    running.turns = turns;
    running.messages.resize(plan_->messages.size() * turns.size());
    running.durations.assign(plan_->operations, 0);
    const SnapshotRates rates(*plan_->snapshot);
    for (const RoundPlan::BlockRun& run : plan_->runs) {
        const OperationCost cost =
            cost_of(*plan_->blocks, run.block, turns, run.sampling_only, run.part);
        const DeviceId d = plan_->active_devices[run.device];
        if (!cost.has_turns) {
            continue;
        }
        Nanoseconds& duration = running.durations[run.operation];
        duration = after(duration, run.starts_stage ? rates.operation_overhead(d) : 0);
        duration = after(duration, times(rates.operation(d, 0, cost), run.count));
    }
}

void RoundSimulator::run(std::size_t segment, BatchState& running) {
    const RoundPlan::Segment& what = plan_->segments[segment];
    for (std::size_t i = what.first; i < what.last; ++i) {
        const RoundPlan::Action action = plan_->actions[i];
        if (action.code == OpCode::compute) {
            Nanoseconds& clock = clocks_[what.device];
            clock = after(clock, running.durations[action.index]);
        } else if (action.code == OpCode::send) {
            send(action.index, running);
        } else {
            receive(action.index, running);
        }
    }
}

/// Sends one message per turn. Source: docs/explanation/time.md#messages.
void RoundSimulator::send(std::size_t message, BatchState& running) {
    const RoundPlan::Message& what = plan_->messages[message];
    InFlightMessage* message_state = &running.messages[message * running.turns.size()];
    Nanoseconds& clock = clocks_[what.from];
    Nanoseconds& link_free = link_free_[what.link];
    Nanoseconds& egress_free = egress_free_[what.from];
    for (const TurnWork& turn : running.turns) {
        if (turn.samples || !what.sampling_only) {
            const RoundPlan::Transfer transfer =
                turn.tokens == 1 ? what.one_token : plan_->transfer(message, turn.tokens);
            clock = after(clock, what.sender_overhead);
            message_state->begin = std::max(clock, link_free);
            if (what.egress_capped) {
                message_state->begin = std::max(message_state->begin, egress_free);
                egress_free = after(message_state->begin, transfer.egress);
            }
            link_free = after(message_state->begin, transfer.link);
            if (what.egress_capped) {
                link_free = std::max(link_free, egress_free);
            }
            message_state->arrival = after(link_free, what.latency);
        }
        ++message_state;
    }
}

/// Receives one message per turn. A capped ingress serves them in the order of the program.
void RoundSimulator::receive(std::size_t message, const BatchState& running) {
    const RoundPlan::Message& what = plan_->messages[message];
    const InFlightMessage* message_state = &running.messages[message * running.turns.size()];
    Nanoseconds& clock = clocks_[what.to];
    Nanoseconds& ingress_free = ingress_free_[what.to];
    for (const TurnWork& turn : running.turns) {
        if (turn.samples || !what.sampling_only) {
            clock = std::max(clock, message_state->arrival);
            if (what.ingress_capped) {
                const RoundPlan::Transfer transfer =
                    turn.tokens == 1 ? what.one_token : plan_->transfer(message, turn.tokens);
                const Nanoseconds first_byte = after(message_state->begin, what.latency);
                ingress_free = after(std::max(first_byte, ingress_free), transfer.ingress);
                clock = std::max(clock, ingress_free);
            }
            clock = after(clock, what.receiver_overhead);
        }
        ++message_state;
    }
}

} // namespace headroom::scheduler
