#include "trace/analysis/figures.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "base/saturating.hpp"
#include "trace/analysis/gaps.hpp"

namespace headroom::trace {

std::vector<TokenStep> token_steps(const Trace& trace) {
    std::vector<TokenStep> steps;
    std::map<std::int32_t, Nanoseconds> before; // of each sequence
    for (std::size_t i = 0; i < trace.intervals.size(); ++i) {
        for (const TokenRow& token : trace.intervals[i].tokens) {
            if (token.is_prompt != 0) {
                continue;
            }
            const auto [place, is_first] = before.try_emplace(token.sequence, token.end);
            if (!is_first) {
                const Nanoseconds latency = token.end - std::exchange(place->second, token.end);
                steps.push_back({token.sequence, token.position, i, token.end, latency});
            }
        }
    }
    std::stable_sort(steps.begin(), steps.end(), [](const TokenStep& a, const TokenStep& b) {
        return std::tie(a.end, a.sequence) < std::tie(b.end, b.sequence);
    });
    return steps;
}

namespace {

using BusyTimes = std::vector<std::vector<Nanoseconds>>;

/// Of an interval, what migrations leave: nobody computes meanwhile.
Nanoseconds rest_of(const IntervalRow& row) {
    return saturating_difference(row.t_end - row.t_dec, row.t_resume - row.t_switch);
}

void cut_at_borders(const Trace& trace, BusyTimes& busy) {
    const std::vector<Interval>& intervals = trace.intervals;
    const auto devices = ops_by_device(trace);
    for (std::size_t d = 0; d < devices.size(); ++d) {
        std::size_t first = 0; // begins ascend, and so do intervals
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
        for (const ResourceRow& of : trace.intervals[i].resources) {
            const auto device = static_cast<std::size_t>(of.device);
            if (of.device >= 0 && device < busy[i].size()) {
                saturating_add(busy[i][device], of.busy_ns);
            }
        }
    }
}

/// What is too much for an interval goes on to the next, and from the last one back.
void spread_over(const std::vector<Interval>& intervals, std::size_t device, BusyTimes& busy) {
    Nanoseconds over = 0;
    const auto fill = [&](std::size_t i) {
        Nanoseconds all = busy[i][device];
        saturating_add(all, over);
        busy[i][device] =
            std::clamp<Nanoseconds>(all, 0, std::max<Nanoseconds>(0, rest_of(intervals[i].row)));
        over = all - busy[i][device];
    };
    for (std::size_t i = 0; i < intervals.size(); ++i) {
        fill(i);
    }
    for (std::size_t i = intervals.size(); i > 0 && over > 0; --i) {
        fill(i - 1);
    }
}

} // namespace

std::vector<std::vector<Nanoseconds>> busy_times(const Trace& trace) {
    const std::size_t devices = trace.header.devices.size();
    BusyTimes busy(trace.intervals.size(), std::vector<Nanoseconds>(devices));
    if (trace.header.with_ops) {
        cut_at_borders(trace, busy);
        return busy;
    }
    add_reported(trace, busy);
    for (std::size_t d = 0; d < devices; ++d) {
        spread_over(trace.intervals, d, busy);
    }
    return busy;
}

TimeParts time_parts(const Trace& trace) {
    TimeParts parts;
    const BusyTimes busy = busy_times(trace);
    for (std::size_t i = 0; i < trace.intervals.size(); ++i) {
        const IntervalRow& row = trace.intervals[i].row;
        const Nanoseconds rest = rest_of(row);
        Nanoseconds most = 0;
        Nanoseconds sum = 0;
        for (const Nanoseconds of : busy[i]) {
            most = std::max(most, of);
            saturating_add(sum, of);
        }
        saturating_add(parts.whole, row.t_end - row.t_dec);
        saturating_add(parts.migrating, row.t_resume - row.t_switch);
        saturating_add(parts.busiest, most);
        saturating_add(parts.any_device, std::min(sum, rest));
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
    std::stable_sort(uses.begin(), uses.end(), [](const LinkUse& a, const LinkUse& b) {
        return a.bytes > b.bytes;
    });
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
