// What a course tells at a decision.
#include <algorithm>
#include <utility>

#include "runtime/control/course.hpp"

namespace headroom::runtime {

SourceFacts Course::facts() {
    SourceFacts told = std::exchange(facts_, {});
    told.clock = stage_->clock();
    told.end = last_end_;
    told.sampled = sampled_;
    told.seen = seen_;
    told.drained = nothing_under_way();
    told.elapsed_wall = stage_->elapsed_wall();
    told.waiting = static_cast<std::int64_t>(std::max(arrived(), next_) - next_);
    describe_flights(told);
    return told;
}

/// Those that have a slot, and those that free slots can take: of requests that have come, or the
/// next one if there is nothing else.
void Course::describe_flights(SourceFacts& told) const {
    for (const Slot& slot : slots_) {
        if (!slot.empty()) {
            const Request& what = request(slot.sequence);
            told.flights.push_back(
                {slot.sequence, what.prompt_tokens(), what.limit, slot.sampled, slot.rows, true}
            );
        }
    }
    const std::size_t come = arrived();
    std::size_t next = next_;
    while (told.flights.size() < slots_.size() && next < settings_.queue.size() &&
           (next < come || told.flights.empty())) {
        const Request& what = queued(next);
        const std::int64_t sequence = settings_.queue[next++];
        const std::int64_t before = what.sampled_before();
        told.flights.push_back({sequence, what.prompt_tokens(), what.limit, before, 0, false});
    }
    for (Flight& flight : told.flights) {
        if (next < come) {
            const Request& what = queued(next++);
            flight.next_prompt = what.prompt_tokens();
            flight.next_limit = what.limit;
        }
    }
}

std::size_t Course::arrived() const {
    const auto& queue = settings_.queue;
    const auto later = std::upper_bound(
        queue.begin(),
        queue.end(),
        stage_->clock(),
        [&](Nanoseconds time, std::int64_t sequence) { return time < request(sequence).arrival; }
    );
    return static_cast<std::size_t>(later - queue.begin());
}

} // namespace headroom::runtime
