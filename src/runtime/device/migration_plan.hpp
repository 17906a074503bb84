// Plans a migration: which blocks move, in which pieces (rows of a weight matrix, or one cache
// page), in which order, and which moves send the same memory (a matrix that embed and lm_head
// share). All devices compute the same plan, and each executes its own part (migration.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/memory/device_memory.hpp"
#include "runtime/memory/tied_matrix.hpp"
#include "scheduler/core/blocks.hpp"
#include "scheduler/timing/migration_order.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::runtime {

/// The change from one placement to the next.
struct Transition {
    scheduler::Placement from;
    scheduler::Placement to;
    /// Element s is the number of tokens of the sequence in slot s, of which a cache keeps
    /// all or, in a layer with a window, the last ones.
    std::vector<std::int64_t> rows;
    /// Whether receivers read weights from their own storage. Then only the cache rows and the
    /// checksums of the weights are sent.
    bool weights_everywhere = false;
};

/// A page in the cache of an attention group.
struct CachePage {
    std::int32_t slot = 0;
    std::size_t page = 0; ///< number of the page in the cache of this slot
};

class MigrationPlan {
  public:
    /// The plan takes the sizes of a block's pieces from `memory`. It can be the memory of any
    /// device, because these sizes are the same on all devices. `transition` must outlive this
    /// object. devices: the number of devices.
    MigrationPlan(DeviceMemory& memory, const Transition& transition, std::size_t devices);

    /// Returns all moves, in block order.
    [[nodiscard]] const std::vector<scheduler::Move>& moves() const { return moves_; }
    [[nodiscard]] const TiedMatrix& tied() const { return tied_; }
    /// Returns the number of weight pieces of a move. The pieces of a move are numbered from 0:
    /// first the weight pieces, then the cache pages, slot by slot in order of position.
    [[nodiscard]] std::size_t weight_pieces(std::size_t move) const { return weight_pieces_[move]; }
    [[nodiscard]] bool is_weight(std::size_t move, std::size_t piece) const {
        return piece < weight_pieces_[move];
    }
    /// Returns the cache page that is copied as this piece. Precondition: not is_weight(move,
    /// piece).
    [[nodiscard]] CachePage cache_page(std::size_t move, std::size_t piece) const;
    /// Returns whether the piece is sent. If not, the receiver reads it from its own storage.
    [[nodiscard]] bool is_sent(std::size_t move, std::size_t piece) const {
        return !transition_->weights_everywhere || !is_weight(move, piece);
    }
    /// Returns the other move that sends this piece from the same memory, if there is one.
    [[nodiscard]] std::optional<std::size_t> move_sharing_piece(std::size_t move, std::size_t piece)
        const;
    /// Returns all pieces of all moves in the order in which devices send and receive them.
    [[nodiscard]] std::vector<scheduler::PieceStep> piece_order() const;

  private:
    [[nodiscard]] scheduler::PieceMove piece_move(std::size_t move) const;
    [[nodiscard]] std::vector<Bytes> held_before() const;

    const scheduler::Blocks* blocks_;
    const Transition* transition_;
    std::size_t devices_;
    TiedMatrix tied_;
    std::vector<scheduler::Move> moves_;
    std::vector<std::size_t> weight_pieces_;      ///< per move: number of weight pieces
    std::vector<std::vector<Bytes>> piece_bytes_; ///< per move: size of each piece
};

} // namespace headroom::runtime
