#include "runtime/device/migration_plan.hpp"

#include <utility>

#include "base/check.hpp"

namespace headroom::runtime {

namespace {

/// Returns the number of pages of a group's cache for one sequence of so many tokens.
std::size_t pages_of(const scheduler::Blocks& blocks, BlockId b, std::int64_t tokens) {
    const scheduler::CacheRows paged = blocks.paged_rows(tokens);
    const std::int64_t rows = blocks.window(b) > 0 ? paged.windowed : paged.all;
    return static_cast<std::size_t>(rows / scheduler::kPageTokens);
}

} // namespace

MigrationPlan::MigrationPlan(
    DeviceMemory& memory, const Transition& transition, std::size_t devices
)
    : blocks_(&memory.blocks()), transition_(&transition), devices_(devices),
      tied_(*blocks_, transition.from, transition.to), moves_(scheduler::moves_between(
                                                           *blocks_,
                                                           transition.from,
                                                           transition.to,
                                                           blocks_->kept_rows(transition.rows),
                                                           transition.weights_everywhere
                                                       )) {
    for (const scheduler::Move& move : moves_) {
        const model::Block shell = memory.make_block(move.block, transition.to);
        std::vector<Bytes> bytes;
        for (std::size_t i = 0; i < shell.pieces(); ++i) {
            bytes.push_back(shell.piece_bytes(i));
        }
        weight_pieces_.push_back(bytes.size());
        if (blocks_->name(move.block).kind == BlockKind::group) {
            const Bytes page = blocks_->cache_bytes(move.block, 1);
            for (const std::int64_t rows : transition.rows) {
                bytes.insert(bytes.end(), pages_of(*blocks_, move.block, rows), page);
            }
        }
        piece_bytes_.push_back(std::move(bytes));
    }
}

CachePage MigrationPlan::cache_page(std::size_t move, std::size_t piece) const {
    std::size_t page = piece - weight_pieces_[move];
    for (std::size_t slot = 0; slot < transition_->rows.size(); ++slot) {
        const std::int64_t tokens = transition_->rows[slot];
        const std::size_t pages = pages_of(*blocks_, moves_[move].block, tokens);
        if (page < pages) {
            // A ring of pages has the last pages of the sequence, the oldest at any place.
            const std::int64_t of_all = blocks_->paged_rows(tokens).all / scheduler::kPageTokens;
            const std::size_t oldest = (static_cast<std::size_t>(of_all) - pages) % pages;
            return {static_cast<std::int32_t>(slot), (oldest + page) % pages};
        }
        page -= pages;
    }
    HEADROOM_CHECK(false, "move {} has no piece {}", move, piece);
}

std::optional<std::size_t> MigrationPlan::move_sharing_piece(std::size_t move, std::size_t piece)
    const {
    const bool matrix = piece + 1 < weight_pieces_[move]; // the last weight piece is the norm
    return matrix ? tied_.move_sharing_matrix(moves_, move) : std::nullopt;
}

scheduler::PieceMove MigrationPlan::piece_move(std::size_t index) const {
    const scheduler::Move& move = moves_[index];
    scheduler::PieceMove pieces;
    pieces.from = move.from;
    pieces.to = move.to;
    pieces.pieces = piece_bytes_[index];
    pieces.freed_at_source = !tied_.is_kept_in_use(move);
    if (const auto other = tied_.move_sharing_matrix(moves_, index)) {
        pieces.shares_with = static_cast<std::int32_t>(*other);
        pieces.shared_pieces = static_cast<std::int32_t>(weight_pieces_[index]) - 1;
    }
    return pieces;
}

std::vector<Bytes> MigrationPlan::held_before() const {
    const scheduler::Placement& from = transition_->from;
    std::vector<Bytes> held(devices_, 0);
    for (std::size_t i = 0; i < from.size(); ++i) {
        const BlockId b(i);
        Bytes& device = held[from[i].index()];
        device += blocks_->weight_bytes(b, from);
        for (const std::int64_t rows : transition_->rows) {
            device += blocks_->cache_bytes(b, rows);
        }
    }
    return held;
}

std::vector<scheduler::PieceStep> MigrationPlan::piece_order() const {
    std::vector<scheduler::PieceMove> pieces;
    for (std::size_t i = 0; i < moves_.size(); ++i) {
        pieces.push_back(piece_move(i));
    }
    return scheduler::migration_order(
        pieces, held_before(), scheduler::staging_bytes(blocks_->shape())
    );
}

} // namespace headroom::runtime
