#include "trace/analysis/track_indices.hpp"

#include <functional>
#include <queue>
#include <set>
#include <utility>

#include "base/check.hpp"

namespace headroom::trace {

std::vector<std::size_t> track_indices(const std::vector<Span>& spans) {
    using Busy = std::pair<Nanoseconds, std::size_t>; // end of the latest span, track
    std::priority_queue<Busy, std::vector<Busy>, std::greater<>> busy;
    std::set<std::size_t> free;
    std::size_t count = 0;
    std::vector<std::size_t> tracks;
    Nanoseconds previous = spans.empty() ? 0 : spans.front().begin;
    for (const Span& span : spans) {
        HEADROOM_CHECK(previous <= span.begin, "begins descend: {} after {}", span.begin, previous);
        previous = span.begin;
        for (; !busy.empty() && busy.top().first <= span.begin; busy.pop()) {
            free.insert(busy.top().second);
        }
        if (free.empty()) {
            free.insert(count++);
        }
        tracks.push_back(*free.begin());
        free.erase(free.begin());
        busy.emplace(span.end, tracks.back());
    }
    return tracks;
}

} // namespace headroom::trace
