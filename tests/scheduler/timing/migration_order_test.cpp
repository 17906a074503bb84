// The order of pieces keeps every device below max(before, after) + staging. An independent replay
// checks this; a naive order that exceeds the limit shows that the check can fail.
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/check.hpp"
#include "base/random.hpp"
#include "scheduler/timing/migration_order.hpp"

namespace headroom::scheduler {
namespace {

constexpr Bytes kStaging = 64;

struct Case {
    std::vector<PieceMove> moves;
    std::vector<Bytes> held;
};

PieceMove move_of(std::int32_t from, std::int32_t to, std::vector<Bytes> pieces) {
    return {DeviceId(from), DeviceId(to), std::move(pieces), true};
}

/// Returns the problem of an order; empty if it has every piece once, the pieces of each move in
/// order, and no device ever holds more than the limit.
std::string fault_of(const Case& c, const std::vector<PieceStep>& order) {
    std::vector<Bytes> after = c.held;
    for (const PieceMove& move : c.moves) {
        for (const Bytes piece : move.pieces) {
            after[move.to.index()] += piece;
            after[move.from.index()] -= move.freed_at_source ? piece : 0;
        }
    }
    std::vector<Bytes> now = c.held;
    std::vector<std::int32_t> next(c.moves.size(), 0);
    for (const PieceStep& step : order) {
        const auto m = static_cast<std::size_t>(step.move);
        const PieceMove& move = c.moves.at(m);
        if (step.piece != next[m]) {
            return "pieces of a move out of order";
        }
        ++next[m];
        const Bytes piece = move.pieces.at(static_cast<std::size_t>(step.piece));
        const std::size_t to = move.to.index();
        now[to] += piece;
        if (now[to] > std::max(c.held[to], after[to]) + kStaging) {
            return "device " + std::to_string(to) + " over its bound";
        }
        now[move.from.index()] -= move.freed_at_source ? piece : 0;
    }
    for (std::size_t m = 0; m < c.moves.size(); ++m) {
        if (static_cast<std::size_t>(next[m]) != c.moves[m].pieces.size()) {
            return "move " + std::to_string(m) + " incomplete";
        }
    }
    return now == after ? "" : "devices do not end with what they should hold";
}

std::vector<PieceStep> block_by_block(const Case& c) {
    std::vector<PieceStep> order;
    for (std::size_t m = 0; m < c.moves.size(); ++m) {
        for (std::size_t p = 0; p < c.moves[m].pieces.size(); ++p) {
            order.push_back({static_cast<std::int32_t>(m), static_cast<std::int32_t>(p)});
        }
    }
    return order;
}

Case swap_of_full_devices() {
    return {
        {move_of(0, 1, std::vector<Bytes>(20, 50)), move_of(1, 0, std::vector<Bytes>(20, 50))},
        {1000, 1000}};
}

enum class Pattern { anything, swaps, cycle, star_in, star_out };

Case random_case(std::uint64_t seed, Pattern pattern) {
    Random random(stream_seed(seed, "migration order"));
    const std::uint64_t devices = 2 + random.below(6);
    const std::uint64_t count = 1 + random.below(12);
    Case c;
    for (std::uint64_t m = 0; m < count; ++m) {
        std::uint64_t from = random.below(devices);
        std::uint64_t to = (from + 1 + random.below(devices - 1)) % devices;
        if (pattern == Pattern::swaps) {
            from = m % 2;
            to = 1 - from;
        } else if (pattern == Pattern::cycle) {
            from = m % devices;
            to = (from + 1) % devices;
        } else if (pattern != Pattern::anything) {
            from = 0;
            to = 1 + random.below(devices - 1);
            if (pattern == Pattern::star_in) {
                std::swap(from, to);
            }
        }
        PieceMove move =
            move_of(static_cast<std::int32_t>(from), static_cast<std::int32_t>(to), {});
        const std::uint64_t pieces = random.below(30);
        for (std::uint64_t p = 0; p < pieces; ++p) {
            move.pieces.push_back(static_cast<Bytes>(random.below(kStaging + 1)));
        }
        move.freed_at_source = random.below(5) != 0;
        c.moves.push_back(move);
    }
    // Every device holds at least what it will free, so that no result is negative.
    c.held.assign(devices, 0);
    for (const PieceMove& move : c.moves) {
        c.held[move.from.index()] +=
            std::accumulate(move.pieces.begin(), move.pieces.end(), Bytes{0});
    }
    return c;
}

TEST(MigrationOrder, keeps_the_bound_on_random_move_sets_of_every_pattern) {
    for (const Pattern pattern :
         {Pattern::anything, Pattern::swaps, Pattern::cycle, Pattern::star_in, Pattern::star_out}) {
        for (std::uint64_t seed = 0; seed < 400; ++seed) {
            const Case c = random_case(seed, pattern);
            EXPECT_EQ(fault_of(c, migration_order(c.moves, c.held, kStaging)), "")
                << "seed " << seed << " pattern " << static_cast<int>(pattern);
        }
    }
}

TEST(MigrationOrder, swaps_full_devices_piece_by_piece_where_block_by_block_overflows) {
    const Case c = swap_of_full_devices();
    EXPECT_EQ(fault_of(c, migration_order(c.moves, c.held, kStaging)), "");
    // Twin: the check finds the overflow of the naive order.
    EXPECT_EQ(fault_of(c, block_by_block(c)), "device 1 over its bound");
}

TEST(MigrationOrder, twin_the_check_sees_lost_and_reordered_pieces) {
    const Case c = swap_of_full_devices();
    std::vector<PieceStep> order = migration_order(c.moves, c.held, kStaging);
    std::vector<PieceStep> lost(order.begin(), order.end() - 1);
    EXPECT_NE(fault_of(c, lost), "");
    std::swap(order.front(), order.back());
    EXPECT_EQ(fault_of(c, order), "pieces of a move out of order");
}

TEST(MigrationOrder, advances_all_moves_together) {
    // 4 pieces and 2 pieces of equal size: fractions 0 0, then ¼ before ½, ties to the lower index.
    const Case c{{move_of(0, 1, {10, 10, 10, 10}), move_of(0, 2, {10, 10})}, {1000, 0, 0}};
    const std::vector<PieceStep> expected = {{0, 0}, {1, 0}, {0, 1}, {0, 2}, {1, 1}, {0, 3}};
    EXPECT_EQ(migration_order(c.moves, c.held, kStaging), expected);
}

TEST(MigrationOrder, gives_a_kept_matrix_no_credit_at_its_source) {
    // Device 0 keeps the bytes that it sends, so it needs additional memory for those it receives.
    Case c{{move_of(0, 1, {60, 60}), move_of(1, 0, {60, 60})}, {120, 120}};
    c.moves[0].freed_at_source = false;
    EXPECT_EQ(fault_of(c, migration_order(c.moves, c.held, kStaging)), "");
}

TEST(MigrationOrder, has_nothing_to_do_without_pieces) {
    EXPECT_TRUE(migration_order({}, {1, 2}, kStaging).empty());
    EXPECT_TRUE(migration_order({move_of(0, 1, {})}, {1, 2}, kStaging).empty());
    EXPECT_EQ(migration_order({move_of(0, 1, {0, 0})}, {0, 0}, 0).size(), 2U);
}

TEST(MigrationOrder, refuses_pieces_larger_than_the_staging_buffer) {
    EXPECT_THROW(static_cast<void>(migration_order({move_of(0, 1, {65})}, {65, 0}, kStaging)), Bug);
}

} // namespace
} // namespace headroom::scheduler
