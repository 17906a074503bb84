#include "trace/analysis/interrupts.hpp"

#include <algorithm>

namespace headroom::trace {

namespace {

bool tells_interrupt(const EventRow& event) {
    return event.kind == static_cast<std::int32_t>(EventKind::interrupted);
}

} // namespace

std::set<std::int32_t> cut_sequences(const Interval& interval) {
    std::set<std::int32_t> cut;
    for (const EventRow& event : interval.events) {
        if (tells_interrupt(event) && event.value >= 0) {
            cut.insert(static_cast<std::int32_t>(event.value));
        }
    }
    return cut;
}

bool was_interrupted(const Interval& interval) {
    return std::any_of(interval.events.begin(), interval.events.end(), tells_interrupt);
}

void drop_cut_requests(Interval& interval) {
    const std::set<std::int32_t> cut = cut_sequences(interval);
    std::erase_if(interval.requests, [&](const RequestRow& request) {
        return cut.contains(request.sequence);
    });
}

std::vector<Stretch> stretches_of(const Trace& trace) {
    std::vector<Stretch> stretches{{0, trace.intervals.size()}};
    for (std::size_t i = 1; i < trace.intervals.size(); ++i) {
        if (trace.intervals[i].row.reason == static_cast<std::int32_t>(Reason::resumed)) {
            stretches.back().last = i;
            stretches.push_back({i, trace.intervals.size()});
        }
    }
    return stretches;
}

} // namespace headroom::trace
