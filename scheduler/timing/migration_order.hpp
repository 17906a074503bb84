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
    std::vector<Bytes> pieces; ///< the size of each piece
    /// Whether `from` frees the pieces that it has sent. False if embed or lm_head moves and the
    /// other one of the two stays on `from` and uses the same (tied) matrix.
    bool freed_at_source = true;
    /// The index of the other move that sends the same pieces; -1 if there is none. Only embed and
    /// lm_head share pieces: if they use one (tied) matrix and move from one device to two
    /// different devices, both moves send this matrix. `from` frees a shared piece when both moves
    /// have sent it.
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
/// order. The order is greedy: among the unfinished moves whose target has room for the next piece,
/// the move that has sent the smallest fraction of its bytes sends next. If fractions are equal,
/// the move with the lowest index sends. There always is a move whose target has room
/// (migration_order.cpp has the proof). `held` has the bytes on each device before the migration;
/// `staging` is the size of the staging buffer. Throws Bug if a piece is larger than `staging` or a
/// device is invalid.
[[nodiscard]] std::vector<PieceStep> migration_order(
    const std::vector<PieceMove>& moves, const std::vector<Bytes>& held, Bytes staging
);

} // namespace headroom::scheduler
