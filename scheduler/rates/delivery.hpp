// What is drawn for each message on a link whose latency varies or which loses messages: how much
// later the message arrives, and how often it fails. A draw is a hash of the run's seed and of what
// the message is. The sender, the receiver and the timeline (timing/timeline.hpp) so get the same
// result without asking each other. Decisions use the means.
#pragma once

#include <cstdint>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/rates/profile.hpp"

namespace headroom::scheduler {

/// How messages on a link vary. By default they do not.
struct LinkVariation {
    Nanoseconds jitter_low = 0;  ///< each message is later by a uniform draw from [low, high]
    Nanoseconds jitter_high = 0; ///< at least jitter_low
    /// The mean of all that is added to the latency, also of LinkSpec::jitter.
    Nanoseconds jitter_mean = 0;
    Ppb loss = 0;                       ///< probability that a transmission fails; below kWhole
    Nanoseconds retransmit_timeout = 0; ///< from the end of a failed transmission to the next one
    std::uint64_t stream = 0;           ///< seed of the draws
};

/// A message fails at most this often; after that it gets through.
inline constexpr int kMaxFailures = 8;

/// Says which message of a run is meant. Two messages from one device to another have different
/// keys.
struct MessageKey {
    std::int64_t turn = 0;     ///< number of the turn; in a migration the epoch that begins
    std::int32_t payload = -1; ///< number of the payload; -1: a block in a migration
    std::int32_t layer = -1;   ///< in a migration the number of the block
    std::int32_t part = 0;
};

/// What is drawn for one message.
struct Delivery {
    std::int32_t failures = 0; ///< number of transmissions that fail before one gets through
    Nanoseconds delay = 0;     ///< added to the latency of the last transmission
    bool operator==(const Delivery&) const = default;
};

[[nodiscard]] Delivery draw_delivery(
    const LinkVariation& variation, DeviceId from, DeviceId to, const MessageKey& key
);

/// Returns the bytes per second of payload that get through if lost bytes are sent again.
[[nodiscard]] PerSecond mean_bandwidth(const LinkVariation& variation, PerSecond bandwidth);
/// Returns the mean latency with jitter and time-outs.
[[nodiscard]] Nanoseconds mean_latency(const LinkVariation& variation, Nanoseconds latency);

} // namespace headroom::scheduler
