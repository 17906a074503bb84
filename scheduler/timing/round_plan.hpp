// Prepares the programs of a placement for the simulation of rounds at the constant rates of a
// snapshot (round_simulation.hpp). The plan holds each message with its times for one token, and
// each segment (a part of a program that runs without waiting) with the key by which
// turn_schedule.hpp orders segments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/blocks.hpp"
#include "scheduler/core/fleet.hpp"
#include "scheduler/timing/turn_schedule.hpp"

namespace headroom::scheduler {

/// What the simulation needs of one placement. `device`, `from`, `to` and `source` are indices into
/// active_devices, which lists the devices that have a program, by increasing id.
struct RoundPlan {
    /// How long a message occupies its link (or the media of its ends, if they are slower), the
    /// sender's egress and the receiver's ingress. The
    /// time of an egress or ingress without a limit is 0.
    struct Transfer {
        Nanoseconds link = 0;
        Nanoseconds egress = 0;
        Nanoseconds ingress = 0;
    };
    /// A message of a turn. The struct is small, because the simulation reads it very often.
    struct Message {
        std::uint32_t from = 0;
        std::uint32_t to = 0;
        std::uint32_t link = 0; ///< number of its link among the links in use
        bool egress_capped = false;
        bool ingress_capped = false;
        bool sampling_only = false; ///< skipped in turns that sample no token
        Nanoseconds latency = 0;
        Nanoseconds sender_overhead = 0;
        Nanoseconds receiver_overhead = 0;
        Transfer one_token; ///< its times in a turn of one token
    };
    /// Consecutive blocks of the same kind and layer, or the same part of them, which take equal
    /// time.
    struct BlockRun {
        std::uint32_t operation = 0; ///< number of the operation to which their time belongs
        std::uint32_t device = 0;
        BlockId block;          ///< the first of the blocks
        std::int64_t count = 0; ///< number of the blocks
        bool sampling_only = false;
        bool starts_stage = false; ///< whether the device's operation overhead precedes it
        BlockPart part = BlockPart::whole;
    };
    /// One action of a segment. With code `compute` the action is one operation, which comprises
    /// all blocks between two messages. With `send` or `receive` it is one message.
    struct Action {
        OpCode code = OpCode::compute;
        std::uint32_t index = 0; ///< number of the operation or the message
    };
    struct Segment {
        std::uint32_t device = 0;
        std::uint32_t first = 0; ///< index of the segment's first action
        std::uint32_t last = 0;  ///< index behind the last action
        ScheduleKey key;
    };

    const Blocks* blocks = nullptr;
    const Snapshot* snapshot = nullptr;
    std::vector<DeviceId> active_devices;
    std::uint32_t source = 0;     ///< the device where prompts come in
    std::size_t links = 0;        ///< number of links in use
    std::uint32_t operations = 0; ///< number of compute actions
    std::vector<BlockRun> runs;
    std::vector<Message> messages;
    std::vector<Instruction> sent; ///< the instruction that sends each message
    std::vector<Action> actions;
    std::vector<Segment> segments; ///< ordered by device
    Nanoseconds period = 1;        ///< P, the time of a decode step; above every phase offset
    /// The index of the source's last segment, which the source executes when it ends the turn
    /// (turn_schedule.hpp); nullopt if the source's program has only one segment.
    std::optional<std::size_t> source_end;

    /// Returns the times of message number `message` in a turn of this many tokens.
    [[nodiscard]] Transfer transfer(std::size_t message, std::int64_t tokens) const;
};

/// Returns the plan of the placement's programs. It keeps pointers to `blocks` and `snapshot`.
[[nodiscard]] RoundPlan plan_rounds(
    const Blocks& blocks, const Placement& placement, const Snapshot& snapshot, DeviceId source
);

} // namespace headroom::scheduler
