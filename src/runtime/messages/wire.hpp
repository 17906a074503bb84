// The header of data messages. It is sent as it is in memory, because all ranks run one executable.
#pragma once

#include <cstdint>
#include <type_traits>

#include "device/device_clock.hpp"

namespace headroom::runtime {

/// Precedes every activation message and every migrated piece (rows of a matrix, or a cache page).
struct WireHeader {
    /// Number of the placement. It grows by 1 when the placement or the batch size changes. The
    /// receiver checks that its own number is the same.
    std::int64_t epoch = 0;
    std::int64_t turn = 0;   ///< activations: number of the turn; migration: index of the piece
    std::int32_t kind = 0;   ///< activations: scheduler::Payload; migration: -1
    std::int32_t index = -1; ///< activations: layer; migration: block
    std::int64_t bytes = 0;  ///< size of the payload that follows
    device::MessageTiming timing;
    /// Migration: checksum of the piece. Activations: checksum of the logits, in the message with
    /// the token that was sampled from them; 0 in all other messages.
    std::uint64_t checksum = 0;
};
static_assert(std::is_trivially_copyable_v<WireHeader> && sizeof(WireHeader) == 64);

} // namespace headroom::runtime
