#include "runtime/device/migration_plan.hpp"

#include <numeric>
#include <utility>

#include "base/check.hpp"

namespace headroom::runtime {

namespace {

std::size_t pages_of(std::int64_t rows) {
    return static_cast<std::size_t>((rows + scheduler::kPageTokens - 1) / scheduler::kPageTokens);
}

} // namespace

std::int64_t Transition::all_rows() const {
    return std::accumulate(rows.begin(), rows.end(), std::int64_t{0});
}

MigrationPlan::MigrationPlan(
    DeviceMemory& memory, const Transition& transition, std::size_t devices
)
    : blocks_(&memory.blocks()), transition_(&transition), devices_(devices),
      tied_(*blocks_, transition.from, transition.to), moves_(scheduler::moves_between(
                                                           *blocks_,
                                                           transition.from,
                                                           transition.to,
                                                           transition.all_rows(),
                                                           transition.weights_everywhere
                                                       )) {
    std::size_t pages = 0;
    for (const std::int64_t rows : transition.rows) {
        pages += pages_of(rows);
    }
    for (const scheduler::Move& move : moves_) {
        const model::Block shell = memory.make_block(move.block, transition.to);
        std::vector<Bytes> bytes;
        for (std::size_t i = 0; i < shell.pieces(); ++i) {
            bytes.push_back(shell.piece_bytes(i));
        }
        weight_pieces_.push_back(bytes.size());
        if (blocks_->name(move.block).kind == BlockKind::group) {
            const Bytes page = blocks_->cache_bytes(move.block, 1);
            bytes.insert(bytes.end(), pages, page);
        }
        piece_bytes_.push_back(std::move(bytes));
    }
}

CachePage MigrationPlan::cache_page(std::size_t move, std::size_t piece) const {
    std::size_t page = piece - weight_pieces_[move];
    for (std::size_t slot = 0; slot < transition_->rows.size(); ++slot) {
        const std::size_t pages = pages_of(transition_->rows[slot]);
        if (page < pages) {
            return {static_cast<std::int32_t>(slot), page};
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
