#include "trace/analysis/figures.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <tuple>
#include <utility>

#include "base/saturating.hpp"
#include "trace/analysis/gaps.hpp"

namespace headroom::trace {

std::vector<TokenStep> token_steps(const Trace& trace) {
    std::vector<TokenStep> steps;
    std::map<std::int32_t, Nanoseconds> last_end; // end of each sequence's latest token
    for (std::size_t i = 0; i < trace.intervals.size(); ++i) {
        for (const TokenRow& token : trace.intervals[i].tokens) {
            if (token.is_prompt != 0) {
                continue;
            }
            const auto [place, is_first] = last_end.try_emplace(token.sequence, token.end);
            if (!is_first) {
                const Nanoseconds latency = token.end - std::exchange(place->second, token.end);
                steps.push_back({token.sequence, token.position, i, token.end, latency});
            }
        }
    }
    std::ranges::stable_sort(steps, {}, [](const TokenStep& step) {
        return std::tuple(step.end, step.sequence);
    });
    return steps;
}

namespace {

using BusyTimes = std::vector<std::vector<Nanoseconds>>;

/// Returns the time of an interval without its migration, in which no device computes.
Nanoseconds time_without_migration(const IntervalRow& row) {
    return saturating_difference(row.t_end - row.t_dec, row.t_resume - row.t_switch);
}

/// Adds each operation to the intervals in which it ran.
void add_operations(const Trace& trace, BusyTimes& busy) {
    const std::vector<Interval>& intervals = trace.intervals;
    const auto devices = ops_by_device(trace);
    for (std::size_t d = 0; d < devices.size(); ++d) {
        std::size_t first = 0; // operations and intervals are both ordered by their start
        for (const OpRef& ref : devices[d]) {
            while (first < intervals.size() && intervals[first].row.t_end <= ref.op->start) {
                ++first;
            }
            for (std::size_t i = first;
                 i < intervals.size() && intervals[i].row.t_dec < ref.op->end;
                 ++i) {
                const IntervalRow& row = intervals[i].row;
                const Nanoseconds within =
                    std::min(ref.op->end, row.t_end) - std::max(ref.op->start, row.t_dec);
                saturating_add(busy[i][d], std::max<Nanoseconds>(0, within));
            }
        }
    }
}

void add_reported(const Trace& trace, BusyTimes& busy) {
    for (std::size_t i = 0; i < trace.intervals.size(); ++i) {
        for (const ResourceRow& row : trace.intervals[i].resources) {
            const auto device = static_cast<std::size_t>(row.device);
            if (row.device >= 0 && device < busy[i].size()) {
                saturating_add(busy[i][device], row.busy_ns);
            }
        }
    }
}

/// Limits a device's busy times to the lengths of the intervals. The excess of one interval is
/// moved to the following ones. What then remains at the end of the run is moved to earlier ones.
void move_excess(const std::vector<Interval>& intervals, std::size_t device, BusyTimes& busy) {
    Nanoseconds excess = 0;
    const auto fill = [&](std::size_t i) {
        Nanoseconds all = busy[i][device];
        saturating_add(all, excess);
        busy[i][device] = std::clamp<Nanoseconds>(
            all, 0, std::max<Nanoseconds>(0, time_without_migration(intervals[i].row))
        );
        excess = all - busy[i][device];
    };
    for (std::size_t i = 0; i < intervals.size(); ++i) {
        fill(i);
    }
    for (std::size_t i = intervals.size(); i > 0 && excess > 0; --i) {
        fill(i - 1);
    }
}

} // namespace

std::vector<std::vector<Nanoseconds>> busy_times(const Trace& trace) {
    const std::size_t devices = trace.header.devices.size();
    BusyTimes busy(trace.intervals.size(), std::vector<Nanoseconds>(devices));
    if (trace.header.with_ops) {
        add_operations(trace, busy);
        return busy;
    }
    add_reported(trace, busy);
    for (std::size_t d = 0; d < devices; ++d) {
        move_excess(trace.intervals, d, busy);
    }
    return busy;
}

TimeBreakdown time_breakdown(const Trace& trace) {
    TimeBreakdown parts;
    const BusyTimes busy = busy_times(trace);
    for (std::size_t i = 0; i < trace.intervals.size(); ++i) {
        const IntervalRow& row = trace.intervals[i].row;
        const Nanoseconds rest = time_without_migration(row);
        Nanoseconds most = 0;
        Nanoseconds sum = 0;
        for (const Nanoseconds time : busy[i]) {
            most = std::max(most, time);
            saturating_add(sum, time);
        }
        saturating_add(parts.total, row.t_end - row.t_dec);
        saturating_add(parts.migrating, row.t_resume - row.t_switch);
        saturating_add(parts.min_computing, most);
        saturating_add(parts.max_computing, std::min(sum, rest));
    }
    return parts;
}

std::vector<DeviceTime> device_times(const Trace& trace) {
    const auto ops = ops_by_device(trace);
    const auto gaps = gaps_by_device(trace, ops);
    std::vector<DeviceTime> times(ops.size());
    for (std::size_t d = 0; d < ops.size(); ++d) {
        for (const OpRef& ref : ops[d]) {
            saturating_add(times[d].computing, ref.op->end - ref.op->start);
        }
        for (const Gap& gap : gaps[d]) {
            Nanoseconds DeviceTime::*const part =
                gap.kind == GapKind::waiting     ? &DeviceTime::waiting
                : gap.kind == GapKind::paging    ? &DeviceTime::paging
                : gap.kind == GapKind::migrating ? &DeviceTime::migrating
                                                 : &DeviceTime::idle;
            saturating_add(times[d].*part, gap.span.end - gap.span.begin);
        }
    }
    return times;
}

std::vector<LinkUse> link_use(const Trace& trace) {
    std::map<std::pair<std::int32_t, std::int32_t>, Bytes> sums;
    for (const Interval& interval : trace.intervals) {
        for (const LinkStateRow& link : interval.link_states) {
            saturating_add(sums[{link.from, link.to}], link.bytes);
        }
    }
    std::vector<LinkUse> uses;
    for (const auto& [link, bytes] : sums) {
        if (bytes > 0) {
            uses.push_back({link.first, link.second, bytes});
        }
    }
    std::ranges::stable_sort(uses, std::greater(), &LinkUse::bytes);
    return uses;
}

std::vector<std::vector<std::int64_t>> blocks_over_time(const Trace& trace, std::int32_t kind) {
    std::vector<std::vector<std::int64_t>> counts(
        trace.header.devices.size(), std::vector<std::int64_t>(trace.intervals.size())
    );
    for (std::size_t i = 0; i < trace.intervals.size(); ++i) {
        const std::vector<std::int32_t>& placement = trace.intervals[i].placement;
        for (std::size_t b = 0; b < placement.size(); ++b) {
            const auto device = static_cast<std::size_t>(placement[b]);
            if (placement[b] >= 0 && device < counts.size() &&
                trace.header.blocks[b].kind == kind) {
                ++counts[device][i];
            }
        }
    }
    return counts;
}

} // namespace headroom::trace
