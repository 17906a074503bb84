// See round_simulation.hpp.
#include "scheduler/timing/round_simulation.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/check.hpp"
#include "base/wide.hpp"

namespace headroom::scheduler {

namespace {

/// n times one after the other.
Nanoseconds times(Nanoseconds duration, std::int64_t n) {
    return duration > kNever / n ? kNever : duration * n;
}

} // namespace

RoundWalk::RoundWalk(const RoundPlan& plan, std::int64_t visits)
    : plan_(&plan), visits_(visits), groups_(static_cast<std::size_t>(visits)),
      clocks_(plan.stations.size()), egress_free_(plan.stations.size()),
      ingress_free_(plan.stations.size()), link_free_(plan.links) {
    order();
    check_order();
}

/// As an agenda orders them, on all devices together.
void RoundWalk::order() {
    for (std::size_t i = 0; i < plan_->segments.size(); ++i) {
        const Place& place = plan_->segments[i].place;
        const Wide time = Wide{visits_} * place.time;
        const auto lag = static_cast<std::int64_t>(time / plan_->period);
        const auto at = static_cast<Nanoseconds>(time % plan_->period);
        if (plan_->end != i) {
            due_.push_back({lag, at, place.depth, i});
        }
    }
    std::sort(due_.begin(), due_.end(), [](const Due& a, const Due& b) {
        return std::tie(a.at, b.lag, a.depth, a.segment) <
               std::tie(b.at, a.lag, b.depth, b.segment);
    });
}

/// Every message is sent before it is received.
void RoundWalk::check_order() const {
    std::vector<std::pair<std::int64_t, std::size_t>> order(
        plan_->segments.size(), {visits_, 0} // the source's end, at its next visit
    );
    for (std::size_t i = 0; i < due_.size(); ++i) {
        order[due_[i].segment] = {due_[i].lag, i};
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

Nanoseconds RoundWalk::visit(std::span<const Batch> batches) {
    std::vector<Group>& groups = groups_[static_cast<std::size_t>(visit_ % visits_)];
    Nanoseconds over = 0;
    if (visit_ >= visits_) {
        for (Group& group : groups) {
            if (plan_->end) {
                run(*plan_->end, group);
            }
        }
        over = clocks_[plan_->source];
    }
    groups.resize(batches.size());
    for (std::size_t i = 0; i < batches.size(); ++i) {
        begin(groups[i], batches[i].turns);
    }
    run_due();
    ++visit_;
    return over;
}

/// Of batches that began together, what has one place goes batch by batch.
void RoundWalk::run_due() {
    for (std::size_t first = 0; first < due_.size();) {
        const std::int64_t lag = due_[first].lag;
        std::size_t last = first + 1;
        while (last < due_.size() && is_together(due_[first], due_[last])) {
            ++last;
        }
        if (lag <= visit_) {
            for (Group& group : groups_[static_cast<std::size_t>((visit_ - lag) % visits_)]) {
                for (std::size_t i = first; i < last; ++i) {
                    run(due_[i].segment, group);
                }
            }
        }
        first = last;
    }
}

/// What its operations take, unless that is known from the turns before.
void RoundWalk::begin(Group& group, const std::vector<TurnWork>& turns) const {
    if (turns == group.turns) {
        return;
    }
    group.turns = turns;
    group.letters.resize(plan_->messages.size() * turns.size());
    group.durations.assign(plan_->operations, 0);
    const SnapshotRates rates(*plan_->snapshot);
    for (const RoundPlan::Run& run : plan_->runs) {
        const OperationCost cost = cost_of(*plan_->blocks, run.block, turns, run.sampling);
        const DeviceId d = plan_->stations[run.station];
        const Nanoseconds each =
            std::max(rates.compute(d, 0, cost.flops), rates.touch(d, 0, cost.touched));
        Nanoseconds& duration = group.durations[run.operation];
        duration = after(duration, times(each, run.count));
    }
}

void RoundWalk::run(std::size_t segment, Group& group) {
    const RoundPlan::Segment& what = plan_->segments[segment];
    for (std::size_t i = what.first; i < what.last; ++i) {
        const RoundPlan::Action action = plan_->actions[i];
        if (action.code == OpCode::compute) {
            Nanoseconds& clock = clocks_[what.station];
            clock = after(clock, group.durations[action.index]);
        } else if (action.code == OpCode::send) {
            send(action.index, group);
        } else {
            receive(action.index, group);
        }
    }
}

/// One message per turn; source: docs/explanation/time.md#messages.
void RoundWalk::send(std::size_t message, Group& group) {
    const RoundPlan::Message& what = plan_->messages[message];
    Letter* letter = &group.letters[message * group.turns.size()];
    const Nanoseconds clock = clocks_[what.from];
    Nanoseconds& link_free = link_free_[what.link];
    Nanoseconds& egress_free = egress_free_[what.from];
    for (const TurnWork& turn : group.turns) {
        if (turn.samples || !what.sampling) {
            const RoundPlan::Transfer transfer =
                turn.tokens == 1 ? what.of_one : plan_->transfer(message, turn.tokens);
            letter->begin = std::max(clock, link_free);
            if (what.egress_capped) {
                letter->begin = std::max(letter->begin, egress_free);
                egress_free = after(letter->begin, transfer.egress);
            }
            link_free = after(letter->begin, transfer.link);
            if (what.egress_capped) {
                link_free = std::max(link_free, egress_free);
            }
            letter->arrival = after(link_free, what.latency);
        }
        ++letter;
    }
}

/// A capped ingress takes messages one by one, in the order of the receiver's program.
void RoundWalk::receive(std::size_t message, const Group& group) {
    const RoundPlan::Message& what = plan_->messages[message];
    const Letter* letter = &group.letters[message * group.turns.size()];
    Nanoseconds& clock = clocks_[what.to];
    Nanoseconds& ingress_free = ingress_free_[what.to];
    for (const TurnWork& turn : group.turns) {
        if (turn.samples || !what.sampling) {
            clock = std::max(clock, letter->arrival);
            if (what.ingress_capped) {
                const RoundPlan::Transfer transfer =
                    turn.tokens == 1 ? what.of_one : plan_->transfer(message, turn.tokens);
                const Nanoseconds first_byte = after(letter->begin, what.latency);
                ingress_free = after(std::max(first_byte, ingress_free), transfer.ingress);
                clock = std::max(clock, ingress_free);
            }
        }
        ++letter;
    }
}

} // namespace headroom::scheduler
