// Lowered programs: the order written out by hand once, and for random placements that every send
// has its receive and nobody waits for ever.
#include <algorithm>
#include <deque>
#include <map>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/check.hpp"
#include "scheduler/program.hpp"
#include "tests/scheduler/fleets.hpp"

namespace headroom::scheduler {
namespace {

std::string text_of(const Instruction& instruction, const Blocks& blocks) {
    const std::string part = fmt::format("{}/{}", instruction.part, instruction.parts);
    switch (instruction.code) {
    case OpCode::compute: {
        const BlockName& name = blocks.name(instruction.block);
        return to_string(name) +
               (name.kind == BlockKind::hub ? fmt::format(" {}", instruction.part) : "");
    }
    case OpCode::norm:
        return fmt::format("norm L{} {}", instruction.layer, instruction.part);
    case OpCode::finish:
        return fmt::format("finish L{} {}", instruction.layer, part);
    case OpCode::send:
    case OpCode::receive:
        break;
    }
    return fmt::format(
        "{} {}{} {} {}{}{}",
        instruction.code == OpCode::send ? "to" : "from",
        instruction.peer.value,
        instruction.layer < 0 ? "" : fmt::format(" L{}", instruction.layer),
        name_of(instruction.payload),
        instruction.bytes_per_token,
        instruction.per_turn ? " once" : "",
        instruction.parts > 1 ? " of " + part : ""
    );
}

std::vector<std::string> text_of(const Program& program, const Blocks& blocks) {
    std::vector<std::string> lines;
    for (const Instruction& instruction : program) {
        lines.push_back(text_of(instruction, blocks));
    }
    return lines;
}

/// Two layers, three groups of one head of width 32 each: D 96, x 384 B, a head's output 128 B.
ModelShape two_layers() {
    ModelShape shape = testing::example_shape();
    shape.layers = 2;
    shape.heads = 3;
    shape.kv_heads = 3;
    shape.width = 96;
    shape.layer_types.assign(2, LayerTypes{});
    return shape;
}

Placement devices(std::initializer_list<std::int32_t> ids) {
    Placement placement;
    for (const std::int32_t id : ids) {
        placement.emplace_back(id);
    }
    return placement;
}

TEST(Lowering, of_two_layers_on_three_devices_is_in_the_order_of_the_design) {
    const Blocks blocks(two_layers());
    //           embed  g0 g1 g2 proj ffn   g0 g1 g2 proj ffn   lm_head; source 0
    const Placement placement = devices({1, 0, 2, 0, 2, 0, 1, 1, 2, 1, 2, 1});
    const std::vector<Program> programs = lower(blocks, placement, DeviceId(0), 3);
    EXPECT_EQ(
        text_of(programs[0], blocks),
        (std::vector<std::string>{
            "to 1 token 4",
            "from 1 L0 normed_x 384",
            "L0.g0",
            "L0.g2",
            "to 2 L0 head_outputs 256",
            "from 2 L0 residual 384",
            "L0.ffn",
            "to 1 L1 normed_x 384", // target by target; for one target normed x before x
            "to 1 L1 x 384",
            "to 2 L1 normed_x 384",
            "from 1 sampled 4 once",
        })
    );
    EXPECT_EQ(
        text_of(programs[1], blocks),
        (std::vector<std::string>{
            "from 0 token 4",
            "embed",
            "to 0 L0 normed_x 384",
            "to 2 L0 normed_x 384",
            "to 2 L0 x 384",
            "from 0 L1 normed_x 384",
            "L1.g0",
            "L1.g1",
            "from 0 L1 x 384", // after its own groups
            "from 2 L1 head_outputs 128",
            "L1.proj",
            "to 2 L1 residual 384",
            "from 2 L1 last_x 384 once",
            "lm_head",
            "to 0 sampled 4 once",
        })
    );
    EXPECT_EQ(
        text_of(programs[2], blocks),
        (std::vector<std::string>{
            "from 1 L0 normed_x 384",
            "L0.g1",
            "from 0 L0 head_outputs 256", // by increasing sender
            "from 1 L0 x 384",
            "L0.proj",
            "to 0 L0 residual 384",
            "from 0 L1 normed_x 384",
            "L1.g2",
            "to 1 L1 head_outputs 128",
            "from 1 L1 residual 384",
            "L1.ffn",
            "to 1 L1 last_x 384 once",
        })
    );
}

TEST(Lowering, receives_x_before_the_outputs_of_the_same_sender) {
    const Blocks blocks(testing::example_shape());
    // Holder of x and both groups on A, proj on B.
    const std::vector<Program> programs =
        lower(blocks, devices({0, 0, 0, 1, 1, 0}), DeviceId(0), 2);
    EXPECT_EQ(
        text_of(programs[1], blocks),
        (std::vector<std::string>{
            "from 0 L0 x 256",
            "from 0 L0 head_outputs 256",
            "L0.proj",
            "L0.ffn",
            "to 0 L0 last_x 256 once",
        })
    );
}

constexpr Cut kHub{Granularity::sliced, 2, Reduce::hub};
constexpr Cut kRing{Granularity::sliced, 2, Reduce::ring};

TEST(Lowering, of_a_sliced_layer_is_in_the_order_of_the_design) {
    ModelShape shape = two_layers();
    shape.layers = 1;
    shape.layer_types.resize(1);
    const Blocks blocks(shape, kHub);
    //           embed  g0 g1 g2  s0 s1 hub  lm_head; source 2
    const Placement placement = devices({0, 1, 2, 1, 2, 0, 1, 2});
    const std::vector<Program> programs = lower(blocks, placement, DeviceId(2), 3);
    EXPECT_EQ(
        text_of(programs[0], blocks),
        (std::vector<std::string>{
            "from 2 token 4",
            "embed",
            "to 1 L0 normed_x 384", // target by target; for one target normed x before x
            "to 1 L0 x 384",
            "to 2 L0 normed_x 384",
            "from 1 L0 normed_residual 384",
            "L0.s1",
            "to 1 L0 ffn_partial 384",
        })
    );
    EXPECT_EQ(
        text_of(programs[1], blocks),
        (std::vector<std::string>{
            "from 0 L0 normed_x 384",
            "L0.g0",
            "L0.g2",
            "from 0 L0 x 384", // after its own groups
            "from 2 L0 attention_partial 384",
            "L0.hub 0",
            "to 0 L0 normed_residual 384",
            "to 2 L0 normed_residual 384",
            "from 0 L0 ffn_partial 384", // by increasing sender
            "from 2 L0 ffn_partial 384",
            "L0.hub 1",
            "to 2 L0 last_x 384 once",
        })
    );
    EXPECT_EQ(
        text_of(programs[2], blocks),
        (std::vector<std::string>{
            "to 0 token 4",
            "from 0 L0 normed_x 384",
            "L0.g1",
            "to 1 L0 attention_partial 384",
            "from 1 L0 normed_residual 384",
            "L0.s0",
            "to 1 L0 ffn_partial 384",
            "from 1 L0 last_x 384 once",
            "lm_head",
        })
    );
}

TEST(Lowering, sends_a_partial_of_one_block_in_half_the_bytes_of_a_sum_of_several) {
    ModelShape shape = two_layers();
    shape.layers = 1;
    shape.layer_types.resize(1);
    const Blocks blocks(shape, kHub);
    // Two groups on B, both slices on C, all else on A.
    const std::vector<Program> programs =
        lower(blocks, devices({0, 1, 0, 1, 2, 2, 0, 0}), DeviceId(0), 3);
    EXPECT_EQ(
        text_of(programs[1], blocks),
        (std::vector<std::string>{
            "from 0 L0 normed_x 384", "L0.g0", "L0.g2", "to 0 L0 attention_partial 768"})
    );
    EXPECT_EQ(
        text_of(programs[2], blocks),
        (std::vector<std::string>{
            "from 0 L0 normed_residual 384", "L0.s0", "L0.s1", "to 0 L0 ffn_partial 768"})
    );
}

/// D 96 in three parts of 32: 256 B of sums, 128 B of x. The ring is 0, 2, 3 of four devices.
TEST(Lowering, of_a_ring_reduces_in_steps_and_gathers_in_steps) {
    ModelShape shape = two_layers();
    shape.layers = 1;
    shape.layer_types.resize(1);
    const Blocks blocks(shape, kRing);
    //           embed  g0 g1 g2  s0 s1 hub  lm_head; source 1, which holds nothing
    const Placement placement = devices({2, 0, 2, 0, 2, 2, 3, 0});
    const std::vector<Program> programs = lower(blocks, placement, DeviceId(1), 4);
    EXPECT_EQ(
        text_of(programs[0], blocks),
        (std::vector<std::string>{
            "from 2 L0 x 384",
            "norm L0 0",
            "L0.g0",
            "L0.g2",
            "to 2 L0 ring_sum 256 of 0/3",
            "from 3 L0 ring_sum 256 of 2/3",
            "to 2 L0 ring_sum 256 of 2/3",
            "from 3 L0 ring_sum 256 of 1/3",
            "finish L0 1/3",
            "to 2 L0 ring_x 128 of 1/3",
            "from 3 L0 ring_x 128 of 0/3",
            "to 2 L0 ring_x 128 of 0/3",
            "from 3 L0 ring_x 128 of 2/3",
            "norm L0 1",
            "to 2 L0 ring_sum 256 of 0/3",
            "from 3 L0 ring_sum 256 of 2/3",
            "to 2 L0 ring_sum 256 of 2/3",
            "from 3 L0 ring_sum 256 of 1/3",
            "finish L0 1/3",
            "to 2 L0 ring_x 128 of 1/3",
            "from 3 L0 ring_x 128 of 0/3",
            "to 2 L0 ring_x 128 of 0/3",
            "from 3 L0 ring_x 128 of 2/3",
            "lm_head",
            "to 1 sampled 4 once",
        })
    );
    EXPECT_EQ(
        text_of(programs[1], blocks),
        (std::vector<std::string>{"to 2 token 4", "from 0 sampled 4 once"})
    );
    const std::vector<std::string> embed = text_of(programs[2], blocks);
    EXPECT_EQ(
        std::vector<std::string>(embed.begin(), embed.begin() + 7),
        (std::vector<std::string>{
            "from 1 token 4",
            "embed",
            "to 0 L0 x 384",
            "to 3 L0 x 384",
            "norm L0 0",
            "L0.g1",
            "to 3 L0 ring_sum 256 of 1/3",
        })
    );
    EXPECT_EQ(
        text_of(programs[3], blocks),
        (std::vector<std::string>{
            "from 2 L0 x 384",
            "norm L0 0",
            "to 0 L0 ring_sum 256 of 2/3",
            "from 2 L0 ring_sum 256 of 1/3",
            "to 0 L0 ring_sum 256 of 1/3",
            "from 2 L0 ring_sum 256 of 0/3",
            "finish L0 0/3",
            "to 0 L0 ring_x 128 of 0/3",
            "from 2 L0 ring_x 128 of 2/3",
            "to 0 L0 ring_x 128 of 2/3",
            "from 2 L0 ring_x 128 of 1/3",
            "L0.hub 0", // behind the all-gather
            "norm L0 1",
            "to 0 L0 ring_sum 256 of 2/3",
            "from 2 L0 ring_sum 256 of 1/3",
            "to 0 L0 ring_sum 256 of 1/3",
            "from 2 L0 ring_sum 256 of 0/3",
            "finish L0 0/3",
            "to 0 L0 ring_x 128 of 0/3",
            "from 2 L0 ring_x 128 of 2/3",
            "to 0 L0 ring_x 128 of 2/3",
            "from 2 L0 ring_x 128 of 1/3",
            "L0.hub 1",
        })
    );
}

TEST(Lowering, of_a_ring_without_ends_has_the_source_in_the_ring) {
    ModelShape shape = testing::example_shape();
    shape.ends = false;
    const Blocks blocks(shape, kRing);
    // Two groups, two slices, the hub: all on B; source A holds nothing. D 64 in two parts.
    const std::vector<Program> programs = lower(blocks, devices({1, 1, 1, 1, 1}), DeviceId(0), 2);
    EXPECT_EQ(
        text_of(programs[0], blocks),
        (std::vector<std::string>{
            "to 1 L0 x 256",
            "norm L0 0",
            "to 1 L0 ring_sum 256 of 0/2",
            "from 1 L0 ring_sum 256 of 1/2",
            "finish L0 1/2",
            "to 1 L0 ring_x 128 of 1/2",
            "from 1 L0 ring_x 128 of 0/2",
            "norm L0 1",
            "to 1 L0 ring_sum 256 of 0/2",
            "from 1 L0 ring_sum 256 of 1/2",
            "finish L0 1/2",
            "to 1 L0 ring_x 128 of 1/2",
            "from 1 L0 ring_x 128 of 0/2",
        })
    );
}

TEST(Lowering, of_a_ring_of_one_device_has_no_messages) {
    ModelShape shape = testing::example_shape();
    const Blocks blocks(shape, kRing);
    const std::vector<Program> programs =
        lower(blocks, Placement(blocks.size(), DeviceId(1)), DeviceId(1), 2);
    EXPECT_EQ(
        text_of(programs[1], blocks),
        (std::vector<std::string>{
            "embed",
            "norm L0 0",
            "L0.g0",
            "L0.g1",
            "finish L0 0/1",
            "L0.hub 0",
            "norm L0 1",
            "L0.s0",
            "L0.s1",
            "finish L0 0/1",
            "L0.hub 1",
            "lm_head",
        })
    );
}

TEST(RingParts, cover_every_width_once_and_differ_by_one_at_most) {
    for (const std::int64_t width : {1, 5, 32, 96, 97}) {
        for (std::int32_t parts = 1; parts < 12; ++parts) {
            std::int64_t next = 0;
            for (std::int32_t part = 0; part < parts; ++part) {
                const RingPart range = ring_part(width, part, parts);
                EXPECT_EQ(range.first, next);
                EXPECT_GE(range.count, width / parts);
                EXPECT_LE(range.count, width / parts + 1);
                next += range.count;
            }
            EXPECT_EQ(next, width);
        }
    }
    EXPECT_THROW((void)ring_part(96, 3, 3), Bug);
    EXPECT_THROW((void)ring_part(96, -1, 3), Bug);
}

TEST(Lowering, of_one_device_has_no_messages) {
    const Blocks blocks(two_layers());
    const std::vector<Program> programs =
        lower(blocks, Placement(blocks.size(), DeviceId(1)), DeviceId(1), 3);
    EXPECT_TRUE(programs[0].empty());
    EXPECT_TRUE(programs[2].empty());
    ASSERT_EQ(programs[1].size(), blocks.size());
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        EXPECT_EQ(programs[1][b].code, OpCode::compute);
        EXPECT_EQ(programs[1][b].block, BlockId(b));
    }
}

TEST(Lowering, without_ends_starts_and_ends_with_x_on_the_source) {
    ModelShape shape = testing::example_shape();
    shape.ends = false;
    const Blocks blocks(shape);
    const std::vector<Program> programs = lower(blocks, devices({1, 1, 1, 1}), DeviceId(0), 2);
    EXPECT_EQ(
        text_of(programs[0], blocks),
        (std::vector<std::string>{
            "to 1 L0 normed_x 256", "to 1 L0 x 256", "from 1 L0 last_x 256 once"})
    );
}

TEST(Lowering, refuses_a_block_without_a_device) {
    const Blocks blocks(testing::example_shape());
    EXPECT_THROW((void)lower(blocks, devices({0, 0, 0, 0, 0, 2}), DeviceId(0), 2), Bug);
    EXPECT_THROW((void)lower(blocks, devices({0, 0, 0}), DeviceId(0), 2), Bug);
    EXPECT_THROW((void)lower(blocks, devices({0, 0, 0, 0, 0, 0}), DeviceId(2), 2), Bug);
}

TEST(Instructions, grow_with_the_turn_unless_they_are_of_one_token) {
    EXPECT_EQ((Instruction{.bytes_per_token = 256}).bytes(7), 1792);
    EXPECT_EQ((Instruction{.bytes_per_token = 256, .per_turn = true}).bytes(7), 256);
}

/// Runs the programs with queues of instructions: what is wrong with them, or nothing.
std::string fault_of(const std::vector<Program>& programs) {
    std::map<std::pair<DeviceId, DeviceId>, std::deque<Instruction>> sent;
    std::vector<std::size_t> next(programs.size(), 0);
    bool advanced = true;
    while (advanced) {
        advanced = false;
        for (std::size_t d = 0; d < programs.size(); ++d) {
            for (; next[d] < programs[d].size(); ++next[d], advanced = true) {
                const Instruction& now = programs[d][next[d]];
                if (now.code == OpCode::send) {
                    sent[{DeviceId(d), now.peer}].push_back(now);
                } else if (now.code == OpCode::receive) {
                    std::deque<Instruction>& queue = sent[{now.peer, DeviceId(d)}];
                    if (queue.empty()) {
                        break;
                    }
                    Instruction expected = queue.front();
                    expected.code = OpCode::receive;
                    expected.peer = now.peer;
                    if (expected != now) {
                        return "another message than expected";
                    }
                    queue.pop_front();
                }
            }
        }
    }
    for (std::size_t d = 0; d < programs.size(); ++d) {
        if (next[d] < programs[d].size()) {
            return "deadlock";
        }
    }
    return std::all_of(sent.begin(), sent.end(), [](const auto& q) { return q.second.empty(); })
               ? ""
               : "a message that nobody receives";
}

std::vector<Program> random_programs(Random& random, const Blocks& blocks) {
    const auto count = 1 + static_cast<std::size_t>(random.below(6));
    const DeviceId source(static_cast<std::size_t>(random.below(count)));
    return lower(blocks, testing::random_placement(random, blocks.size(), count), source, count);
}

TEST(Lowering, matches_every_send_with_one_receive_in_order_and_never_deadlocks) {
    Random random(17);
    for (int i = 0; i < 500; ++i) {
        const Blocks blocks(testing::random_shape(random));
        const std::vector<Program> programs = random_programs(random, blocks);
        ASSERT_EQ(fault_of(programs), "") << "round " << i;
        std::vector<int> computed(blocks.size(), 0);
        for (const Program& program : programs) {
            for (const Instruction& instruction : program) {
                if (instruction.code == OpCode::compute) {
                    ++computed[instruction.block.index()];
                }
            }
        }
        EXPECT_EQ(computed, std::vector<int>(blocks.size(), 1));
    }
}

TEST(Lowering, twin_the_matching_finds_swapped_and_missing_instructions) {
    const Blocks blocks(two_layers());
    const std::vector<Program> good =
        lower(blocks, devices({1, 0, 2, 0, 2, 0, 1, 1, 2, 1, 2, 1}), DeviceId(0), 3);
    ASSERT_EQ(fault_of(good), "");
    std::vector<Program> swapped = good;
    std::swap(swapped[1][3], swapped[1][4]); // normed x and x to device 2
    EXPECT_EQ(fault_of(swapped), "another message than expected");
    std::vector<Program> missing = good;
    missing[0].erase(missing[0].begin());
    EXPECT_EQ(fault_of(missing), "deadlock");
    std::vector<Program> unheard = good;
    unheard[0].pop_back();
    EXPECT_EQ(fault_of(unheard), "a message that nobody receives");
}

} // namespace
} // namespace headroom::scheduler
