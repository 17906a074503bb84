// Stop-and-copy migration on one device. A block moves in pieces: some rows of a weight matrix, or
// a cache page. The pieces are really sent, one by one in the order of scheduler::migration_order.
// The sender frees a piece as soon as the receiver has it and nothing on the sender uses it. The
// staging buffer of every device is free during the migration: its room is for a piece that arrives
// before the receiver has freed one of its own. So no device ever holds more than the larger of
// what it holds before and after the migration. Here block g2 moves from device A to B:
//
//     before            during                              after
//     A: [g0 g1 g2]     A: [g0 g1 ..]  --piece of g2-->     A: [g0 g1]
//     B: [f0]           B: [f0 .]                           B: [f0 g2]
//     C: [h]            C: [h]                              C: [h]
//
// With `controller.weights = "everywhere"` only the checksum of a weight piece is sent. The
// receiver reads the piece from its own copy of the model file and compares the checksums.
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

/// What a device reports to the controller about a block that it has received.
struct ArrivedBlock {
    scheduler::Move move;
    Nanoseconds start = 0; ///< when its message or its load from storage begins
    Nanoseconds end = 0;
    std::uint64_t checksum = 0; ///< computed from the checksums of all pieces, in order
    static auto wire_fields(auto& m) { return Fields() & m.move & m.start & m.end & m.checksum; }
};

struct MigrationTask {
    Transition transition;
    std::int64_t epoch = 0; ///< serial number of the new placement and batch size
    Nanoseconds t_switch = 0;
    std::string_view device_name; ///< name of this device, for error messages
};

/// Executes this device's part of the migration and returns the blocks that it received. On return
/// the device holds exactly its blocks of the new placement. In virtual time, transfers begin at
/// t_switch. Afterwards the caller must set the clocks of all devices to the latest of them. Adds
/// the payload sent to each device to `sent_bytes`. Throws EnvironmentError if a piece arrives
/// damaged, if this device's storage cannot be read, or if its weights differ from the sender's.
/// Throws StuckError if a transfer never ends.
[[nodiscard]] std::vector<ArrivedBlock> migrate(
    DeviceMemory& memory,
    const MigrationTask& task,
    device::DeviceClock& clock,
    comm::Transport& transport,
    std::span<Bytes> sent_bytes
);

} // namespace headroom::runtime
