#include "trace/analysis/lanes.hpp"

#include <functional>
#include <queue>
#include <set>
#include <utility>

#include "base/check.hpp"

namespace headroom::trace {

std::vector<std::size_t> lanes_of(const std::vector<Span>& spans) {
    using Busy = std::pair<Nanoseconds, std::size_t>; // until when, which lane
    std::priority_queue<Busy, std::vector<Busy>, std::greater<>> busy;
    std::set<std::size_t> free;
    std::size_t opened = 0;
    std::vector<std::size_t> lanes;
    Nanoseconds before = spans.empty() ? 0 : spans.front().begin;
    for (const Span& span : spans) {
        HEADROOM_CHECK(before <= span.begin, "begins descend: {} after {}", span.begin, before);
        before = span.begin;
        for (; !busy.empty() && busy.top().first <= span.begin; busy.pop()) {
            free.insert(busy.top().second);
        }
        if (free.empty()) {
            free.insert(opened++);
        }
        lanes.push_back(*free.begin());
        free.erase(free.begin());
        busy.emplace(span.end, lanes.back());
    }
    return lanes;
}

} // namespace headroom::trace
