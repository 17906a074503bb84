// Computes the numbers for charts of a run, in reports and in the terminal. Each function depends
// on a trace alone. An interval lasts from one decision to the next.
#pragma once

#include <cstdint>
#include <vector>

#include "base/saturating.hpp"
#include "base/units.hpp"
#include "trace/records/trace.hpp"

namespace headroom::trace {

/// A sampled token and its latency. A sequence's first token has no latency and no TokenStep.
struct TokenStep {
    std::int32_t sequence = 0;
    std::int64_t position = 0; ///< position in the sequence, prompt included
    std::size_t interval = 0;
    Nanoseconds end = 0;
    Nanoseconds latency = 0; ///< time since the sequence's previous token, migrations included
};

/// Returns the token steps of all sequences, ordered by end, then sequence.
[[nodiscard]] std::vector<TokenStep> token_steps(const Trace& trace);

/// Returns for how long each device computed in each interval, as [interval][device]. The column
/// busy_ns of /resources cannot give this time directly: an operation at the border of two
/// intervals is reported in one of them but can have run in the other. If the trace has operations,
/// those that cross a border are split there. In a trace without operations, the reported time can
/// be longer than the interval without its migration. The excess is then moved to the next
/// intervals in which the device has time left. Excess that is left at the end of the run is moved
/// to earlier intervals.
[[nodiscard]] std::vector<std::vector<Nanoseconds>> busy_times(const Trace& trace);

/// How the time of all intervals was spent. The exact time in which at least one device computed
/// lies between `min_computing` and `max_computing`.
struct TimeBreakdown {
    Nanoseconds total = 0;         ///< sum of the intervals, each from its decision to its end
    Nanoseconds migrating = 0;     ///< part of `total` from t_switch to t_resume
    Nanoseconds min_computing = 0; ///< sum over intervals of the busiest device's time
    /// Sum over intervals. Each interval adds the smaller of two times: the computing times of all
    /// devices together, and its own length without the migration.
    Nanoseconds max_computing = 0;
};

[[nodiscard]] TimeBreakdown time_breakdown(const Trace& trace);

/// How one device spent the time from 0 to the end of its last operation. Only a trace with
/// operations has these times.
struct DeviceTime {
    Nanoseconds computing = 0;
    Nanoseconds waiting = 0;   ///< waiting for messages
    Nanoseconds paging = 0;    ///< reading weights again, because memory was over budget
    Nanoseconds migrating = 0; ///< transfers of a migration; no device computes then
    Nanoseconds idle = 0;      ///< the rest of the time
    [[nodiscard]] Nanoseconds total() const {
        Nanoseconds sum = computing;
        for (const Nanoseconds part : {waiting, paging, migrating, idle}) {
            saturating_add(sum, part);
        }
        return sum;
    }
};

/// Returns the times of each device. All are 0 if the trace has no operations.
[[nodiscard]] std::vector<DeviceTime> device_times(const Trace& trace);

struct LinkUse {
    std::int32_t from = -1;
    std::int32_t to = -1;
    Bytes bytes = 0; ///< payload, migrations included
};

/// Returns the links that carried bytes, by descending bytes, then by from and to.
[[nodiscard]] std::vector<LinkUse> link_use(const Trace& trace);

/// Returns the number of blocks of a kind on each device in each interval, as [device][interval].
[[nodiscard]] std::vector<std::vector<std::int64_t>> blocks_over_time(
    const Trace& trace, std::int32_t kind
);

} // namespace headroom::trace
