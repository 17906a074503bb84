#include "trace/analysis/interrupts.hpp"

#include <algorithm>

namespace headroom::trace {

namespace {

bool is_interrupt(const EventRow& event) {
    return event.kind == static_cast<std::int32_t>(EventCode::interrupted);
}

} // namespace

std::set<std::int32_t> interrupted_sequences(const Interval& interval) {
    std::set<std::int32_t> sequences;
    for (const EventRow& event : interval.events) {
        if (is_interrupt(event) && event.value >= 0) {
            sequences.insert(static_cast<std::int32_t>(event.value));
        }
    }
    return sequences;
}

bool was_interrupted(const Interval& interval) {
    return std::any_of(interval.events.begin(), interval.events.end(), is_interrupt);
}

void drop_interrupted_requests(Interval& interval) {
    const std::set<std::int32_t> interrupted = interrupted_sequences(interval);
    std::erase_if(interval.requests, [&](const RequestRow& request) {
        return interrupted.contains(request.sequence);
    });
}

std::vector<IntervalRange> part_ranges(const Trace& trace) {
    std::vector<IntervalRange> ranges{{0, trace.intervals.size()}};
    for (std::size_t i = 1; i < trace.intervals.size(); ++i) {
        if (trace.intervals[i].row.reason == static_cast<std::int32_t>(Reason::resumed)) {
            ranges.back().last = i;
            ranges.push_back({i, trace.intervals.size()});
        }
    }
    return ranges;
}

} // namespace headroom::trace
