// A migration as every device derives it alike from the same two placements: which blocks move, in
// which pieces, in which order, and what reads the same storage. Only what a device then does with
// the list depends on the device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/memory/resident.hpp"
#include "runtime/memory/tied_matrix.hpp"
#include "scheduler/core/blocks.hpp"
#include "scheduler/timing/migration_order.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::runtime {

/// From one placement to the next.
struct Transition {
    scheduler::Placement from;
    scheduler::Placement to;
    std::vector<std::int64_t> rows;  ///< per slot: used cache rows, which move
    bool weights_everywhere = false; ///< targets load weights; only the rows are sent

    [[nodiscard]] std::int64_t all_rows() const;
};

/// A page of a group's cache: which of its slot's.
struct CachePage {
    std::int32_t slot = 0;
    std::size_t page = 0;
};

class MigrationPlan {
  public:
    /// `resident` says how blocks are cut into pieces, the same everywhere; it does not change.
    /// `transition` outlives this object; `devices` is the fleet's size.
    MigrationPlan(Resident& resident, const Transition& transition, std::size_t devices);

    /// In block order.
    [[nodiscard]] const std::vector<scheduler::Move>& moves() const { return moves_; }
    [[nodiscard]] const TiedMatrix& tied() const { return tied_; }
    /// A move's pieces are those of its weights, then its cache pages, slot after slot.
    [[nodiscard]] std::size_t weight_pieces(std::size_t move) const { return weights_[move]; }
    [[nodiscard]] bool is_weight(std::size_t move, std::size_t piece) const {
        return piece < weights_[move];
    }
    /// Precondition: not is_weight(move, piece).
    [[nodiscard]] CachePage cache_page(std::size_t move, std::size_t piece) const;
    /// Does the piece travel, or does the target read it from its own storage?
    [[nodiscard]] bool is_sent(std::size_t move, std::size_t piece) const {
        return !transition_->weights_everywhere || !is_weight(move, piece);
    }
    /// The other move that takes the same piece from the same storage, if there is one.
    [[nodiscard]] std::optional<std::size_t> sharer(std::size_t move, std::size_t piece) const;
    /// All pieces of all moves; every device executes its own part in this order.
    [[nodiscard]] std::vector<scheduler::PieceStep> order() const;

  private:
    [[nodiscard]] scheduler::PieceMove piece_move(std::size_t move) const;
    [[nodiscard]] std::vector<Bytes> held_before() const;

    const scheduler::Blocks* blocks_;
    const Transition* transition_;
    std::size_t devices_;
    TiedMatrix tied_;
    std::vector<scheduler::Move> moves_;
    std::vector<std::size_t> weights_;            ///< weight pieces per move
    std::vector<std::vector<Bytes>> piece_bytes_; ///< per move
};

} // namespace headroom::runtime
