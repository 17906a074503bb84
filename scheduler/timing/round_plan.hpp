// The programs of a placement, made ready for walking many rounds of them at rates that hold: what
// every operation and message takes is known beforehand, who receives what is found out once, and
// segments have the places by which agendas order them (turn_schedule.hpp).
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

/// Devices with a program are stations, numbered by increasing id.
struct RoundPlan {
    /// What a message occupies, ns.
    struct Transfer {
        Nanoseconds link = 0;
        Nanoseconds egress = 0;
        Nanoseconds ingress = 0;
    };
    /// Read for every message of every turn: small.
    struct Message {
        std::uint32_t from = 0; ///< stations
        std::uint32_t to = 0;
        std::uint32_t link = 0; ///< of those in use
        bool egress_capped = false;
        bool ingress_capped = false;
        bool sampling = false; ///< only of turns that sample
        Nanoseconds latency = 0;
        Transfer of_one; ///< of a turn of one token
    };
    /// Equal blocks of a layer that are computed one after the other.
    struct Run {
        std::uint32_t operation = 0;
        std::uint32_t station = 0;
        BlockId block;
        std::int64_t count = 0;
        bool sampling = false;
    };
    /// compute: what a station computes with no message in between; send, receive: a message.
    struct Action {
        OpCode code = OpCode::compute;
        std::uint32_t index = 0;
    };
    struct Segment {
        std::uint32_t station = 0;
        std::uint32_t first = 0; ///< of its actions
        std::uint32_t last = 0;  ///< exclusive
        Place place;
    };

    const Blocks* blocks = nullptr;
    const Snapshot* snapshot = nullptr;
    std::vector<DeviceId> stations;
    std::uint32_t source = 0; ///< station
    std::size_t links = 0;
    std::uint32_t operations = 0;
    std::vector<Run> runs;
    std::vector<Message> messages;
    std::vector<Instruction> sent; ///< per message
    std::vector<Action> actions;
    std::vector<Segment> segments;  ///< station after station
    Nanoseconds period = 1;         ///< above all places
    std::optional<std::size_t> end; ///< the source's last segment, if it waits for its next visit

    [[nodiscard]] Transfer transfer(std::size_t message, std::int64_t tokens) const;
};

/// Keeps pointers to blocks and snapshot.
[[nodiscard]] RoundPlan plan_rounds(
    const Blocks& blocks, const Placement& placement, const Snapshot& snapshot, DeviceId source
);

} // namespace headroom::scheduler
