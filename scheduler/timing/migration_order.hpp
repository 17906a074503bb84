// Computes the order in which a migration sends the pieces of all blocks (a piece is some rows of a
// weight matrix, or a cache page), such that no device ever holds more than max(bytes before, bytes
// after) + the staging buffer, through which pieces pass. The runtime executes the result.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"

namespace headroom::scheduler {

/// The pieces of one block that moves from device `from` to device `to`. Each piece is allocated at
/// `to`, and freed at `from` as soon as it is sent. Pieces that `from` frees without sending are
/// not listed.
struct PieceMove {
    DeviceId from;
    DeviceId to;
    std::vector<Bytes> pieces;
    bool freed_at_source = true; ///< false if `from` still uses them (a tied matrix)
    /// The index of another move whose first `shared_pieces` pieces are the same bytes at `from`,
    /// or -1. This happens if embed and lm_head take a tied matrix to two devices. `from` frees
    /// such a piece when both moves have sent it.
    std::int32_t shares_with = -1;
    std::int32_t shared_pieces = 0;
};

/// Sends piece `piece` of move `move`; both are indices.
struct PieceStep {
    std::int32_t move = 0;
    std::int32_t piece = 0;
    bool operator==(const PieceStep&) const = default;
};

/// Returns a total order of all pieces; every device executes in this order the steps in which it
/// takes part. Of the unfinished moves whose `to` has room, the one of which the smallest fraction
/// is sent gets the next step; if several are equal, it is the one with the smallest index. held:
/// the bytes that each device holds before the migration. staging: the size of the staging buffer.
/// One of the unfinished moves always has room: a target without room has more bytes left to send
/// than to receive, which cannot be true of all targets, because all bytes left go to targets.
/// Throws Bug if a piece is larger than `staging` or a move has an invalid device.
[[nodiscard]] std::vector<PieceStep> migration_order(
    const std::vector<PieceMove>& moves, const std::vector<Bytes>& held, Bytes staging
);

} // namespace headroom::scheduler
