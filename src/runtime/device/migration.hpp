// Stop-and-copy migration on one device. A block moves in pieces: some rows of a weight matrix, or
// a cache page. The devices copy one piece after the other, in the order of
// scheduler::migration_order. The sender frees a piece as soon as the receiver has it, unless a
// block that stays uses the same bytes. Each device keeps memory for one piece in reserve, the
// staging buffer, and gives this memory back when a migration begins. So an arriving piece has room
// even if the device has not yet freed the piece that it sends, and at no time does a device hold
// more than the larger of two numbers: its bytes before and its bytes after the migration. Here
// block g2 moves from device A to B (dots: pieces of g2):
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
    /// When the block's transfer begins. If its cache is sent and its weights are loaded from
    /// storage, the earlier of the two begins counts.
    Nanoseconds start = 0;
    Nanoseconds end = 0;
    std::uint64_t checksum = 0; ///< computed from the checksums of all pieces, in order
    static auto wire_fields(auto& m) { return Fields() & m.move & m.start & m.end & m.checksum; }
};

struct MigrationTask {
    Transition transition;
    /// Number of the new epoch. An epoch begins when the placement or the batch size changes.
    std::int64_t epoch = 0;
    Nanoseconds t_switch = 0;
    std::string_view device_name; ///< name of this device, for error messages
};

/// Executes this device's part of the migration and returns the blocks that it received. On return
/// the device holds exactly its blocks of the new placement. In virtual time, transfers begin at
/// t_switch. Afterwards the caller must set the clocks of all devices to the time of the latest
/// clock, because no device computes before all blocks have arrived. Element d of `sent_bytes`
/// grows by the payload bytes that were sent to device d. Throws EnvironmentError if a piece
/// arrives damaged, if this device's storage cannot be read, or if its weights differ from the
/// sender's. Throws StuckError if a transfer would not end within the first year of virtual time,
/// because a rate stays 0 or is very low.
[[nodiscard]] std::vector<ArrivedBlock> migrate(
    DeviceMemory& memory,
    const MigrationTask& task,
    device::DeviceClock& clock,
    comm::Transport& transport,
    std::span<Bytes> sent_bytes
);

} // namespace headroom::runtime
