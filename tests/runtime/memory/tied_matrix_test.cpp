// Counts the copies of the tied matrix. Every transition of embed and lm_head between three devices
// must leave each device with exactly the copies that the new placement needs.
#include <map>

#include <gtest/gtest.h>

#include "runtime/memory/tied_matrix.hpp"

namespace headroom::runtime {
namespace {

using scheduler::Placement;

scheduler::Blocks blocks_of(bool tied) {
    ModelShape shape;
    shape.layers = 1;
    shape.heads = 1;
    shape.kv_heads = 1;
    shape.width = 32;
    shape.ffn_width = 32;
    shape.vocabulary = 10;
    shape.context = 16;
    shape.tied = tied;
    shape.layer_types = {LayerTypes::all(WeightType::f32)};
    return scheduler::Blocks(shape);
}

Placement ends_on(const scheduler::Blocks& blocks, int embed, int lm_head) {
    Placement placement(blocks.size(), DeviceId(0));
    placement.front() = DeviceId(embed);
    placement.back() = DeviceId(lm_head);
    return placement;
}

using Copies = std::map<std::pair<DeviceId, BlockId>, int>; ///< copies per device and block

/// Returns the copies that a placement needs.
Copies copies_under(const scheduler::Blocks& blocks, const Placement& placement) {
    Copies copies{{{placement.front(), blocks.embed()}, 1}};
    if (lm_head_stores_matrix(blocks, placement)) {
        copies[{placement.back(), blocks.lm_head()}] = 1;
    }
    return copies;
}

/// Returns the copies after a migration that does what TiedMatrix says.
Copies migrated(const scheduler::Blocks& blocks, const Placement& from, const Placement& to) {
    const TiedMatrix tied(blocks, from, to);
    const auto moves = scheduler::moves_between(blocks, from, to, {0, 0});
    Copies copies = copies_under(blocks, from);
    const auto take = [&](DeviceId device, BlockId b) {
        const auto found = copies.find({device, b});
        ASSERT_NE(found, copies.end()) << "nothing to take from device " << device.value;
        copies.erase(found);
    };
    if (tied.drops_lm_head_matrix(from.back())) {
        take(from.back(), blocks.lm_head());
    }
    std::vector<bool> gone(moves.size(), false);
    for (std::size_t i = 0; i < moves.size(); ++i) {
        const scheduler::Move& move = moves[i];
        const bool head = move.block == blocks.lm_head();
        if ((!head && move.block != blocks.embed()) ||
            (head && !lm_head_stores_matrix(blocks, to))) {
            continue;
        }
        ++copies[{move.to, move.block}];
        gone[i] = true;
        const auto move_sharing_matrix = tied.move_sharing_matrix(moves, i);
        if (!tied.is_kept_in_use(move) && (!move_sharing_matrix || gone[*move_sharing_matrix])) {
            const bool lent = !copies.contains({move.from, move.block});
            take(move.from, lent ? blocks.embed() : move.block);
        }
    }
    if (tied.passes_to_lm_head(from.front())) {
        take(from.front(), blocks.embed());
        ++copies[{from.front(), blocks.lm_head()}];
    }
    return copies;
}

TEST(TiedMatrix, is_stored_once_where_it_is_needed_after_every_transition) {
    const scheduler::Blocks blocks = blocks_of(true);
    for (int code = 0; code < 81; ++code) {
        const Placement from = ends_on(blocks, code % 3, code / 3 % 3);
        const Placement to = ends_on(blocks, code / 9 % 3, code / 27);
        EXPECT_EQ(migrated(blocks, from, to), copies_under(blocks, to)) << "case " << code;
    }
}

TEST(TiedMatrix, is_unused_if_lm_head_has_its_own_matrix) {
    const scheduler::Blocks blocks = blocks_of(false);
    for (int code = 0; code < 81; ++code) {
        const Placement from = ends_on(blocks, code % 3, code / 3 % 3);
        const Placement to = ends_on(blocks, code / 9 % 3, code / 27);
        const TiedMatrix tied(blocks, from, to);
        const auto moves = scheduler::moves_between(blocks, from, to, {0, 0});
        for (std::size_t i = 0; i < moves.size(); ++i) {
            EXPECT_FALSE(tied.is_kept_in_use(moves[i]));
            EXPECT_FALSE(tied.move_sharing_matrix(moves, i));
        }
        for (int d = 0; d < 3; ++d) {
            EXPECT_FALSE(tied.drops_lm_head_matrix(DeviceId(d)));
            EXPECT_FALSE(tied.passes_to_lm_head(DeviceId(d)));
        }
    }
}

} // namespace
} // namespace headroom::runtime
