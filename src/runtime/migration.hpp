// Stop-and-copy migration as one device sees it: pieces of blocks and cache pages really travel,
// one by one in the order of scheduler::migration_order, each freed at its source when its target
// takes it, so that nobody holds more than max(before, after) on the way (the staging buffer is
// given back meanwhile and makes the room for one piece).
//
//     before            on the way                          after
//     A: [g0 g1 g2]     A: [g0 g1 ..]  --piece of g2-->     A: [g0 g1]
//     B: [f0]           B: [f0 .]                           B: [f0 g2]
//     C: [h]            C: [h]                              C: [h]
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "comm/transport.hpp"
#include "device/device_clock.hpp"
#include "runtime/resident.hpp"
#include "scheduler/timeline.hpp"

namespace headroom::runtime {

/// What a target acknowledges for each block that it received.
struct Arrived {
    scheduler::Move move;
    Nanoseconds start = 0;
    Nanoseconds end = 0;
    std::uint64_t checksum = 0; ///< over its pieces in order, recomputed from what was received
};

/// Moves this device's part of `to`: on return it holds exactly its blocks of `to`, complete.
/// Virtual times follow the message rule from t_switch on; the caller sets all clocks to the latest
/// end over all devices. `rows` used cache rows move. Throws EnvironmentError if a piece arrives
/// with another checksum than it left with.
[[nodiscard]] std::vector<Arrived> migrate(
    Resident& resident,
    const scheduler::Placement& to,
    std::int64_t rows,
    std::int64_t epoch,
    Nanoseconds t_switch,
    device::DeviceClock& clock,
    comm::Transport& transport,
    std::span<Bytes> sent_bytes
);

} // namespace headroom::runtime
