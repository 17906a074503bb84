// Stop-and-copy migration as one device sees it: pieces of blocks and cache pages really travel,
// one by one in the order of scheduler::migration_order, each freed at its source when its target
// takes it, so that nobody holds more than max(before, after) on the way (the staging buffer is
// given back meanwhile and makes the room for one piece).
//
//     before            on the way                          after
//     A: [g0 g1 g2]     A: [g0 g1 ..]  --piece of g2-->     A: [g0 g1]
//     B: [f0]           B: [f0 .]                           B: [f0 g2]
//     C: [h]            C: [h]                              C: [h]
//
// With weights everywhere a piece of weights does not travel, only its checksum does: the target
// reads the piece from its own storage and compares.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "comm/transport.hpp"
#include "device/device_clock.hpp"
#include "runtime/device/migration_plan.hpp"
#include "runtime/memory/resident.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::runtime {

/// What a target acknowledges for each block that it has got.
struct Arrived {
    scheduler::Move move;
    Nanoseconds start = 0;
    Nanoseconds end = 0;
    std::uint64_t checksum = 0; ///< over its pieces in order, of what was received or loaded
};

/// What a device is told of a migration.
struct MigrationOrder {
    Transition transition;
    std::int64_t epoch = 0;
    Nanoseconds t_switch = 0;
    std::string_view device_name; ///< this device's, for messages
};

/// Moves this device's part of the transition: on return it holds exactly its blocks of the new
/// placement, complete. Virtual times follow the message rule from t_switch on; the caller sets all
/// clocks to the latest end over all devices. Throws EnvironmentError if a piece arrives with
/// another checksum than it left with, or if what a target has on its storage cannot be read or is
/// not what the source holds.
[[nodiscard]] std::vector<Arrived> migrate(
    Resident& resident,
    const MigrationOrder& order,
    device::DeviceClock& clock,
    comm::Transport& transport,
    std::span<Bytes> sent_bytes
);

} // namespace headroom::runtime
