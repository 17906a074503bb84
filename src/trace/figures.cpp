#include "trace/figures.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "base/saturating.hpp"
#include "trace/gaps.hpp"

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

TimeParts time_parts(const Trace& trace) {
    TimeParts parts;
    for (const Interval& interval : trace.intervals) {
        const IntervalRow& row = interval.row;
        const Nanoseconds migrating = row.t_resume - row.t_switch;
        const Nanoseconds rest = row.t_end - row.t_dec - migrating;
        Nanoseconds most = 0;
        Nanoseconds sum = 0;
        for (const ResourceRow& of : interval.resources) {
            most = std::max(most, of.busy_ns);
            saturating_add(sum, of.busy_ns);
        }
        saturating_add(parts.whole, migrating + rest);
        saturating_add(parts.migrating, migrating);
        saturating_add(parts.busiest, std::min(most, rest));
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
