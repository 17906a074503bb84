#include "trace/analysis/request_figures.hpp"

#include <algorithm>
#include <utility>

namespace headroom::trace {

Nanoseconds percentile(std::vector<Nanoseconds> values, std::size_t percent) {
    if (values.empty()) {
        return -1;
    }
    const std::size_t rank = (values.size() * percent + 99) / 100; // counted from 1
    const auto nth = values.begin() + static_cast<std::ptrdiff_t>(rank - 1);
    std::nth_element(values.begin(), nth, values.end());
    return *nth;
}

std::int64_t max_overlap(const std::vector<Span>& spans) {
    std::vector<std::pair<Nanoseconds, int>> changes; // an end sorts before a begin
    for (const Span& span : spans) {
        changes.emplace_back(span.begin, 1);
        changes.emplace_back(span.end, -1);
    }
    std::sort(changes.begin(), changes.end());
    std::int64_t overlap = 0;
    std::int64_t most = 0;
    for (const auto& [at, change] : changes) {
        overlap += change;
        most = std::max(most, overlap);
    }
    return most;
}

MemoryWaits memory_waits(
    std::vector<Nanoseconds> found, std::vector<Nanoseconds> begins, Nanoseconds end
) {
    std::sort(found.begin(), found.end());
    std::sort(begins.begin(), begins.end());
    MemoryWaits waits;
    auto waited_until = begins.end();
    for (const Nanoseconds at : found) {
        const auto next = std::upper_bound(begins.begin(), begins.end(), at);
        if (waits.requests > 0 && next == waited_until) {
            continue; // the same request, looked at again
        }
        waited_until = next;
        ++waits.requests;
        waits.longest = std::max(waits.longest, (next == begins.end() ? end : *next) - at);
    }
    return waits;
}

} // namespace headroom::trace
