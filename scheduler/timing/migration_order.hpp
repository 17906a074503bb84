// Computes the order in which a migration sends its pieces; a piece is some rows of a weight matrix
// or one page of a KV cache. In this order no device ever holds more than max(bytes before, bytes
// after) + the staging buffer, through which pieces pass. The runtime executes the result.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"

namespace headroom::scheduler {

/// The pieces that one block sends when it moves from device `from` to device `to`. When a piece is
/// sent, `to` allocates it and `from` frees it.
struct PieceMove {
    DeviceId from;
    DeviceId to;
    std::vector<Bytes> pieces;   ///< the size of each piece
    bool freed_at_source = true; ///< false if another block on `from` still uses the (tied) matrix
    /// The index of a move with which this move shares pieces, or -1. Only embed and lm_head share
    /// pieces, if they take their tied matrix to two devices. `from` frees a shared piece when both
    /// moves have sent it.
    std::int32_t shares_with = -1;
    std::int32_t shared_pieces = 0; ///< how many pieces are shared: the first ones of both moves
};

/// One step of the order: piece number `piece` of move number `move` is sent.
struct PieceStep {
    std::int32_t move = 0;
    std::int32_t piece = 0;
    bool operator==(const PieceStep&) const = default;
};

/// Returns one step for each piece; every device executes those in which it takes part, in this
/// order. The order is greedy: the next piece belongs to the move of which the smallest fraction is
/// sent, among the unfinished moves whose target has room; of equal moves the first one is taken.
/// There always is such a move (migration_order.cpp has the proof). `held` has the bytes on each
/// device before the migration; `staging` is the size of the staging buffer. Throws Bug if a piece
/// is larger than `staging` or a device is invalid.
[[nodiscard]] std::vector<PieceStep> migration_order(
    const std::vector<PieceMove>& moves, const std::vector<Bytes>& held, Bytes staging
);

} // namespace headroom::scheduler
