// Figures that pictures of a run are drawn from, on paper and in a terminal: pure functions of a
// trace.
#pragma once

#include <cstdint>
#include <vector>

#include "base/saturating.hpp"
#include "base/units.hpp"
#include "trace/records/trace.hpp"

namespace headroom::trace {

/// One sampled token that is not its sequence's first.
struct TokenStep {
    std::int32_t sequence = 0;
    std::int64_t position = 0; ///< in the sequence, prompt included
    std::size_t interval = 0;
    Nanoseconds end = 0;
    Nanoseconds latency = 0; ///< since the sequence's token before, migrations included
};

/// By end, then sequence.
[[nodiscard]] std::vector<TokenStep> token_steps(const Trace& trace);

/// (interval, device): how long the device computed between the decision and the interval's end,
/// and never longer than that was. /resources counts operations with the interval in which the
/// device reported them, and of turns that went on over the end some had run later, or some
/// earlier. With operations they are cut at the borders; without, what does not fit into its
/// interval is counted in the next that has room for it, at the end of the run in the last that
/// has.
[[nodiscard]] std::vector<std::vector<Nanoseconds>> busy_times(const Trace& trace);

/// The time of all intervals. What computes while something else is sent or waits cannot be told
/// apart without operations, but it lies within bounds: something computed for at least `busiest`
/// and at most `any_device`.
struct TimeParts {
    Nanoseconds whole = 0;      ///< from each decision to the interval's end
    Nanoseconds migrating = 0;  ///< of it, t_switch to t_resume
    Nanoseconds busiest = 0;    ///< of the rest, the busiest device of each interval computing
    Nanoseconds any_device = 0; ///< busy_times() of all devices, at most each interval's rest
};

[[nodiscard]] TimeParts time_parts(const Trace& trace);

/// What one device did from time 0 to its last operation; of a trace with operations.
struct DeviceTime {
    Nanoseconds computing = 0;
    Nanoseconds waiting = 0; ///< for messages
    Nanoseconds paging = 0;
    Nanoseconds migrating = 0; ///< nobody computes
    Nanoseconds idle = 0;
    [[nodiscard]] Nanoseconds whole() const {
        Nanoseconds sum = computing;
        for (const Nanoseconds part : {waiting, paging, migrating, idle}) {
            saturating_add(sum, part);
        }
        return sum;
    }
};

/// Per device; all 0 without operations.
[[nodiscard]] std::vector<DeviceTime> device_times(const Trace& trace);

struct LinkUse {
    std::int32_t from = -1;
    std::int32_t to = -1;
    Bytes bytes = 0; ///< payload, migrations included
};

/// Links that carried something, the most first; then by from and to.
[[nodiscard]] std::vector<LinkUse> link_use(const Trace& trace);

/// (device, interval): how many blocks of a kind it holds.
[[nodiscard]] std::vector<std::vector<std::int64_t>> blocks_over_time(
    const Trace& trace, std::int32_t kind
);

} // namespace headroom::trace
