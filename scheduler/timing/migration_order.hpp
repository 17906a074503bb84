// The order in which the pieces of all moved blocks travel, so that no device holds more than
// max(held before, held after) + one piece on the way. Pure; the runtime executes the list.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"

namespace headroom::scheduler {

/// One move as its pieces: storage that is freed at the source and allocated at the target piece by
/// piece. A piece that is dropped at the source but not sent has no place here.
struct PieceMove {
    DeviceId from;
    DeviceId to;
    std::vector<Bytes> pieces;
    bool freed_at_source = true; ///< false: the source keeps it (a tied matrix that stays in use)
    /// The first `shared_pieces` pieces are read from the same storage as those of move `shares`
    /// (a tied matrix that embed and lm_head take to two devices): freed when both have left.
    std::int32_t shares = -1;
    std::int32_t shared_pieces = 0;
};

struct PieceStep {
    std::int32_t move = 0;
    std::int32_t piece = 0;
    bool operator==(const PieceStep&) const = default;
};

/// A total order of all pieces; every device executes its own part of it in this order. All moves
/// advance together: next is always the unfinished move with the smallest finished fraction whose
/// target has room, ties to the smaller index.
/// held: bytes per device before; the bound is max(held before, held after) + staging.
/// Why it never gets stuck if every piece ≤ staging: if no target had room, every target would have
/// more bytes left to send than to receive, but all bytes left are received by a target.
[[nodiscard]] std::vector<PieceStep> migration_order(
    const std::vector<PieceMove>& moves, const std::vector<Bytes>& held, Bytes staging
);

} // namespace headroom::scheduler
