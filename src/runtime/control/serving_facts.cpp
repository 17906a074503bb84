// What the serving loop reports to the controller at a decision.
#include <algorithm>
#include <utility>

#include "runtime/control/serving_loop.hpp"

namespace headroom::runtime {

SourceFacts ServingLoop::facts() {
    SourceFacts result = std::exchange(facts_, {});
    result.clock = backend_->clock();
    result.end = last_end_;
    result.sampled = sampled_;
    result.tokens_seen = seen_by_decision();
    result.drained = nothing_under_way();
    result.elapsed_wall = backend_->elapsed_wall();
    result.waiting =
        static_cast<std::int64_t>(std::max(arrived(), queue_position_) - queue_position_);
    list_requests(result);
    return result;
}

/// Lists the requests with a slot, and those that free slots can take: requests that have arrived,
/// or the next request of the queue if there are no others.
void ServingLoop::list_requests(SourceFacts& result) const {
    for (const Slot& slot : slots_) {
        if (!slot.empty()) {
            const Request& what = request(slot.sequence);
            result.requests.push_back(
                {slot.sequence, what.prompt_tokens(), what.limit, slot.sampled, slot.rows, true}
            );
        }
    }
    const std::size_t end_of_arrived = arrived();
    std::size_t next = queue_position_;
    while (result.requests.size() < slots_.size() && next < settings_.queue.size() &&
           (next < end_of_arrived || result.requests.empty())) {
        const Request& what = queued(next);
        const std::int64_t sequence = settings_.queue[next++];
        const std::int64_t before = what.sampled_before();
        result.requests.push_back({sequence, what.prompt_tokens(), what.limit, before, 0, false});
    }
    for (InFlightRequest& request : result.requests) {
        if (next < end_of_arrived) {
            const Request& what = queued(next++);
            request.next_prompt = what.prompt_tokens();
            request.next_limit = what.limit;
        }
    }
}

std::size_t ServingLoop::arrived() const {
    const auto arrival_of = [&](std::int64_t sequence) { return request(sequence).arrival; };
    const auto later = std::ranges::upper_bound(settings_.queue, backend_->clock(), {}, arrival_of);
    return static_cast<std::size_t>(later - settings_.queue.begin());
}

} // namespace headroom::runtime
