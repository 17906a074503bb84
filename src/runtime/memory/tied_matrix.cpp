#include "runtime/memory/tied_matrix.hpp"

namespace headroom::runtime {

using scheduler::Move;

bool lm_head_stores_matrix(const scheduler::Blocks& blocks, const scheduler::Placement& placement) {
    return !blocks.shape().tied ||
           placement[blocks.embed().index()] != placement[blocks.lm_head().index()];
}

TiedMatrix::TiedMatrix(
    const scheduler::Blocks& blocks,
    const scheduler::Placement& from,
    const scheduler::Placement& to
)
    : blocks_(&blocks), from_(&from), to_(&to),
      tied_(blocks.shape().has_ends && blocks.shape().tied) {}

bool TiedMatrix::is_end(BlockId b) const {
    return b == blocks_->embed() || b == blocks_->lm_head();
}

BlockId TiedMatrix::other_end(BlockId b) const {
    return b == blocks_->embed() ? blocks_->lm_head() : blocks_->embed();
}

bool TiedMatrix::shared_before() const {
    return tied_ && before(blocks_->embed()) == before(blocks_->lm_head());
}

bool TiedMatrix::is_kept_in_use(const Move& move) const {
    return shared_before() && is_end(move.block) && after(other_end(move.block)) == move.from;
}

std::optional<std::size_t> TiedMatrix::move_sharing_matrix(
    std::span<const Move> moves, std::size_t move
) const {
    const BlockId b = moves[move].block;
    if (!shared_before() || !is_end(b) || !lm_head_stores_matrix(*blocks_, *to_)) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < moves.size(); ++i) {
        if (moves[i].block == other_end(b)) {
            return i;
        }
    }
    return std::nullopt;
}

bool TiedMatrix::drops_lm_head_matrix(DeviceId device) const {
    return tied_ && before(blocks_->lm_head()) == device &&
           lm_head_stores_matrix(*blocks_, *from_) && !lm_head_stores_matrix(*blocks_, *to_);
}

bool TiedMatrix::passes_to_lm_head(DeviceId device) const {
    const BlockId embed = blocks_->embed();
    const BlockId lm_head = blocks_->lm_head();
    return tied_ && before(embed) == device && after(embed) != device &&
           before(lm_head) == device && after(lm_head) == device;
}

} // namespace headroom::runtime
