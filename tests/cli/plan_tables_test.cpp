// Parts of the output of `headroom plan`: grouping of moves loses nothing, and tables fit the width
// of the terminal.
#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "cli/plan/plan_moves.hpp"
#include "cli/terminal/text_table.hpp"

namespace headroom::cli {
namespace {

using scheduler::MoveRecord;

constexpr std::int32_t kLayers = 5;

std::vector<BlockName> block_names() {
    std::vector<BlockName> names{{BlockKind::embed, -1, -1}};
    for (std::int32_t layer = 0; layer < kLayers; ++layer) {
        for (std::int32_t group = 0; group < 3; ++group) {
            names.push_back({BlockKind::group, layer, group});
        }
        names.push_back({BlockKind::proj, layer, -1});
        names.push_back({BlockKind::ffn, layer, -1});
    }
    names.push_back({BlockKind::lm_head, -1, -1});
    return names;
}

std::vector<MoveRecord> random_moves(std::uint64_t seed) {
    Random random(seed);
    std::vector<MoveRecord> moves;
    for (std::size_t b = 0; b < block_names().size(); ++b) {
        const auto from = static_cast<std::int32_t>(random.below(4));
        const auto to = static_cast<std::int32_t>(random.below(4));
        if (from != to) {
            const auto number = [&] { return static_cast<std::int64_t>(random.below(1000)); };
            moves.push_back(
                {{BlockId(b), DeviceId(from), DeviceId(to), number(), number()}, 0, number()}
            );
        }
    }
    return moves;
}

/// Returns what the groups say differently from the moves; empty if nothing.
std::string fault_of(const std::vector<MoveRecord>& moves, const std::vector<MoveGroup>& groups) {
    std::int64_t count = 0;
    Bytes bytes = 0;
    Bytes loaded = 0;
    Nanoseconds last = 0;
    for (const MoveGroup& group : groups) {
        count += group.count;
        bytes += group.bytes;
        loaded += group.loaded;
        last = std::max(last, group.arrives_after);
        std::int64_t told = 0;
        std::istringstream words(group.blocks); // "4 groups, 1 ffn"
        std::string kind;
        for (std::int64_t n = 0; words >> n >> kind;) {
            told += n;
        }
        if (told != group.count) {
            return "a group's words: " + group.blocks;
        }
    }
    for (const MoveRecord& record : moves) {
        --count;
        bytes -= record.move.bytes;
        loaded -= record.move.loaded;
        if (record.end > last) {
            return "the last arrival";
        }
    }
    return count == 0 && bytes == 0 && loaded == 0 ? "" : "sums";
}

TEST(GroupMoves, lists_every_move_once_whether_folded_or_not) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        const std::vector<MoveRecord> moves = random_moves(seed);
        const std::vector<MoveGroup> layers = group_moves(moves, block_names(), true);
        const std::vector<MoveGroup> routes = group_moves(moves, block_names(), false);
        EXPECT_EQ(fault_of(moves, layers), "") << seed;
        EXPECT_EQ(fault_of(moves, routes), "") << seed;
        EXPECT_LE(routes.size(), layers.size());
        EXPECT_TRUE(std::is_sorted(
            routes.begin(),
            routes.end(),
            [](const MoveGroup& a, const MoveGroup& b) {
                return a.bytes + a.loaded > b.bytes + b.loaded;
            }
        ));
        for (const MoveGroup& route : routes) {
            EXPECT_EQ(route.layer, -1);
        }
    }
}

TEST(GroupMoves, twin_a_group_that_is_lost_is_found) {
    const std::vector<MoveRecord> moves = random_moves(1);
    std::vector<MoveGroup> groups = group_moves(moves, block_names(), true);
    groups.erase(groups.begin() + 1);
    EXPECT_NE(fault_of(moves, groups), "");
}

TEST(GroupMoves, stand_in_block_order_with_the_ends_where_they_belong) {
    const std::vector<BlockName> names = block_names();
    std::vector<MoveRecord> moves;
    for (std::size_t b = 0; b < names.size(); ++b) {
        moves.push_back({{BlockId(b), DeviceId(0), DeviceId(1), 1, 0}, 0, 5});
    }
    const std::vector<MoveGroup> groups = group_moves(moves, names, true);
    ASSERT_EQ(groups.size(), kLayers + 2);
    EXPECT_EQ(groups.front().blocks, "1 embed");
    EXPECT_EQ(groups[1].blocks, "3 groups, 1 proj, 1 ffn");
    EXPECT_EQ(groups[1].layer, 0);
    EXPECT_EQ(groups.back().blocks, "1 lm_head");
    EXPECT_EQ(group_moves(moves, names, false).size(), 1);
}

TextTable table() {
    TextTable table({{"name"}, {"first to go", 2}, {"kept"}, {"next to go", 1}});
    table.add({"laptop", "1", "a long cell", "3"});
    return table;
}

std::size_t widest_line(const std::string& text) {
    std::istringstream lines(text.substr(0, text.find("  a wider terminal")));
    std::size_t widest = 0;
    for (std::string line; std::getline(lines, line);) {
        widest = std::max(widest, line.size());
    }
    return widest;
}

TEST(TextTable, leaves_out_columns_until_it_fits) {
    const std::size_t whole = widest_line(table().text(0));
    for (std::size_t width = 21; width <= whole + 1; ++width) {
        EXPECT_LE(widest_line(table().text(width)), width);
    }
    EXPECT_EQ(table().text(whole), table().text(0));
    EXPECT_EQ(table().text(0).find("a wider terminal"), std::string::npos);
    const std::string narrow = table().text(whole - 1);
    EXPECT_NE(narrow.find("a wider terminal also shows: first to go\n"), std::string::npos);
    EXPECT_NE(narrow.find("  next to go\n"), std::string::npos);
}

TEST(TextTable, never_leaves_out_required_columns) {
    const std::string text = table().text(1);
    EXPECT_NE(text.find("a long cell"), std::string::npos);
    EXPECT_NE(text.find("first to go; next to go"), std::string::npos);
    EXPECT_GT(widest_line(text), 1); // twin test: a line that is too wide is detected
}

} // namespace
} // namespace headroom::cli
