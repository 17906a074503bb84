// What a single message costs at the constant rates of a snapshot: the time on its link and on the
// shared media of both ends, and the overheads of both devices (docs/explanation/time.md#messages).
// Searches and bounds add these up. How messages delay each other is the matter of their callers.
#pragma once

#include <cstddef>

#include "base/units.hpp"
#include "scheduler/core/blocks.hpp"
#include "scheduler/core/fleet.hpp"

namespace headroom::scheduler {

/// Returns whether the time of a message depends on which others are sent, and in which order,
/// beside those on its own link. This is so if any device has a cap (a limit on all bytes per
/// second that it sends or receives over all of its links together), a message overhead or a shared
/// medium.
[[nodiscard]] bool order_matters(const Snapshot& snapshot);

/// Returns whether any device has a message overhead or a shared medium.
[[nodiscard]] bool has_message_costs(const Snapshot& snapshot);

/// Returns how often the bytes of a message count on the media of its ends if its phase
/// (core/media.hpp) has no other link. In any phase they count at least as often.
[[nodiscard]] MediaShares lone_shares(const Snapshot& snapshot, std::size_t from, std::size_t to);

/// Returns how long the message occupies the media of its ends; at most kStall (step_cost.hpp).
[[nodiscard]] Nanoseconds media_time(
    const Snapshot& snapshot, std::size_t from, std::size_t to, Bytes bytes, MediaShares shares
);

/// Returns how long the message occupies its link and, if its phase has no other link, the media of
/// both ends; at most kStall. Precondition: two different devices.
[[nodiscard]] Nanoseconds link_time(
    const Snapshot& snapshot, std::size_t from, std::size_t to, Bytes bytes
);

/// Returns the message overhead of a device, at most kStall.
[[nodiscard]] Nanoseconds message_overhead(const Snapshot& snapshot, std::size_t d);

/// Returns the message overheads of both ends together.
[[nodiscard]] inline Nanoseconds handling_time(
    const Snapshot& snapshot, std::size_t from, std::size_t to
) {
    return message_overhead(snapshot, from) + message_overhead(snapshot, to);
}

} // namespace headroom::scheduler
