// Stop-and-copy migration on one device. The weights, in pieces of some rows, and the cache pages
// are really sent, one by one in the order of scheduler::migration_order. The sender of a piece
// frees it as soon as the receiver has it. Thus no device ever holds more than the larger of what
// it holds before and after the migration: a piece on its way takes the place of the staging
// buffer. Here block g2 moves from device A to B, piece by piece:
//
//     before            during                              after
//     A: [g0 g1 g2]     A: [g0 g1 ..]  --piece of g2-->     A: [g0 g1]
//     B: [f0]           B: [f0 .]                           B: [f0 g2]
//     C: [h]            C: [h]                              C: [h]
//
// With `controller.weights = "everywhere"` only the checksum of a weight piece is sent. The
// receiver reads the piece from its own storage and compares the checksums.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/wire.hpp"
#include "comm/transport.hpp"
#include "device/device_clock.hpp"
#include "runtime/device/migration_plan.hpp"
#include "runtime/memory/device_memory.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::runtime {

/// A block that a device has received, as the device reports it to the controller.
struct ArrivedBlock {
    scheduler::Move move;
    Nanoseconds start = 0;
    Nanoseconds end = 0;
    std::uint64_t checksum = 0; ///< checksum of the received or loaded pieces, in order
    static auto wire_fields(auto& m) { return Fields() & m.move & m.start & m.end & m.checksum; }
};

struct MigrationTask {
    Transition transition;
    std::int64_t epoch = 0;
    Nanoseconds t_switch = 0;
    std::string_view device_name; ///< name of this device, for error messages
};

/// Executes this device's part of the migration. On return the device holds exactly its blocks of
/// the new placement. In virtual time, sending begins at t_switch; afterwards the caller must set
/// all devices' clocks to the latest end. Adds the payload sent to each device to `sent_bytes`.
/// Throws EnvironmentError if a piece arrives damaged, or if a receiver's storage cannot be read or
/// holds other weights than the sender. Throws StuckError if a transfer never ends.
[[nodiscard]] std::vector<ArrivedBlock> migrate(
    DeviceMemory& memory,
    const MigrationTask& task,
    device::DeviceClock& clock,
    comm::Transport& transport,
    std::span<Bytes> sent_bytes
);

} // namespace headroom::runtime
