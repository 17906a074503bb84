// What a course tells at a decision.
#include <algorithm>
#include <utility>

#include "runtime/course.hpp"

namespace headroom::runtime {

SourceFacts Course::facts() {
    SourceFacts told = std::exchange(facts_, {});
    told.clock = stage_->clock();
    told.end = last_end_;
    told.sampled = sampled_;
    told.seen = seen_;
    told.drained = nothing_under_way();
    told.elapsed_wall = stage_->elapsed_wall();
    told.waiting = std::max<std::int64_t>(0, arrived() - static_cast<std::int64_t>(next_));
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
    const auto come = static_cast<std::size_t>(arrived());
    std::size_t next = next_;
    while (told.flights.size() < slots_.size() && next < settings_.requests.size() &&
           (next < come || told.flights.empty())) {
        const Request& what = settings_.requests[next];
        const auto sequence = static_cast<std::int64_t>(next++);
        told.flights.push_back({sequence, what.prompt_tokens(), what.limit, 0, 0, false});
    }
    for (Flight& flight : told.flights) {
        if (next < come) {
            const Request& what = settings_.requests[next++];
            flight.next_prompt = what.prompt_tokens();
            flight.next_limit = what.limit;
        }
    }
}

std::int64_t Course::arrived() const {
    const auto& all = settings_.requests;
    const auto later = std::upper_bound(
        all.begin(),
        all.end(),
        stage_->clock(),
        [](Nanoseconds time, const Request& request) { return time < request.arrival; }
    );
    return later - all.begin();
}

} // namespace headroom::runtime
