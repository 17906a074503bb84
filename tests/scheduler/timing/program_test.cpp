// Lowered programs: the order of two examples is written by hand. For random placements every send
// has its receive, and no device waits for ever.
#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/check.hpp"
#include "scheduler/timing/program.hpp"
#include "tests/scheduler/instances/fleets.hpp"

namespace headroom::scheduler {
namespace {

std::string text_of(const Instruction& instruction, const Blocks& blocks) {
    const std::string part = fmt::format("{}/{}", instruction.part, instruction.parts);
    switch (instruction.code) {
    case OpCode::compute: {
        const BlockName& name = blocks.name(instruction.block);
        constexpr std::array kParts{"", " products", " rest"};
        return to_string(name) +
               (name.kind == BlockKind::hub ? fmt::format(" {}", instruction.part) : "") +
               kParts[static_cast<std::size_t>(instruction.work)];
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
    // x and both groups are on A, proj is on B.
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

ModelShape with_width_norms(ModelShape shape) {
    shape.qk_norm = QkNorm::width;
    return shape;
}

TEST(Lowering, of_groups_in_parts_exchanges_sums_in_the_order_of_the_design) {
    ModelShape shape = with_width_norms(two_layers());
    shape.layers = 1;
    shape.layer_types.resize(1);
    const Blocks blocks(shape);
    //                             embed  g0 g1 g2 proj ffn  lm_head; x is on B, proj on C
    const Placement placement = devices({1, 2, 1, 2, 2, 0, 0});
    const std::vector<Program> programs = lower(blocks, placement, DeviceId(1), 3);
    EXPECT_EQ(
        text_of(programs[1], blocks),
        (std::vector<std::string>{
            "embed",
            "to 2 L0 normed_x 384",
            "to 2 L0 x 384",
            "L0.g1 products",
            "to 2 L0 norm_sums 16",
            "from 2 L0 norm_sums 32",
            "L0.g1 rest",
            "to 2 L0 head_outputs 128",
            "from 0 sampled 4 once",
        })
    );
    EXPECT_EQ(
        text_of(programs[2], blocks),
        (std::vector<std::string>{
            "from 1 L0 normed_x 384",
            "L0.g0 products",
            "L0.g2 products",
            "to 1 L0 norm_sums 32",
            "from 1 L0 x 384",
            "from 1 L0 norm_sums 16",
            "L0.g0 rest",
            "L0.g2 rest",
            "from 1 L0 head_outputs 128",
            "L0.proj",
            "to 0 L0 residual 384",
        })
    );
}

TEST(Lowering, of_groups_in_parts_sends_no_sums_if_one_device_has_them_all) {
    ModelShape shape = with_width_norms(two_layers());
    shape.layers = 1;
    shape.layer_types.resize(1);
    const Blocks blocks(shape);
    const std::vector<Program> programs =
        lower(blocks, devices({0, 1, 1, 1, 0, 0, 0}), DeviceId(0), 2);
    EXPECT_EQ(
        text_of(programs[1], blocks),
        (std::vector<std::string>{
            "from 0 L0 normed_x 384",
            "L0.g0 products",
            "L0.g1 products",
            "L0.g2 products",
            "L0.g0 rest",
            "L0.g1 rest",
            "L0.g2 rest",
            "to 0 L0 head_outputs 384",
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
            "L0.hub 0", // after the all-gather
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
    shape.has_ends = false;
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

/// Returns the blocks that begin a stage, in program order.
std::vector<std::string> stages_of(const Program& program, const Blocks& blocks) {
    std::vector<std::string> stages;
    for (const Instruction& now : program) {
        if (now.starts_stage) {
            stages.push_back(to_string(blocks.name(now.block)));
        }
    }
    return stages;
}

TEST(Stages, begin_once_per_device_layer_and_kind) {
    const Blocks blocks(two_layers());
    //           embed  g0 g1 g2 proj ffn   g0 g1 g2 proj ffn   lm_head; source 0
    const Placement placement = devices({1, 0, 2, 0, 2, 0, 0, 1, 1, 1, 0, 1});
    const std::vector<Program> programs = lower(blocks, placement, DeviceId(0), 3);
    EXPECT_EQ(
        stages_of(programs[0], blocks),
        (std::vector<std::string>{"L0.g0", "L0.ffn", "L1.g0", "L1.ffn"})
    );
    EXPECT_EQ(
        stages_of(programs[1], blocks),
        (std::vector<std::string>{"embed", "L1.g1", "L1.proj", "lm_head"})
    );
    EXPECT_EQ(stages_of(programs[2], blocks), (std::vector<std::string>{"L0.g1", "L0.proj"}));
}

TEST(Stages, of_groups_in_parts_are_those_of_whole_groups) {
    const Blocks blocks(with_width_norms(two_layers()));
    const Placement placement = devices({1, 0, 2, 0, 2, 0, 0, 1, 1, 1, 0, 1});
    const std::vector<Program> programs = lower(blocks, placement, DeviceId(0), 3);
    EXPECT_EQ(
        stages_of(programs[0], blocks),
        (std::vector<std::string>{"L0.g0", "L0.ffn", "L1.g0", "L1.ffn"})
    );
    EXPECT_EQ(stages_of(programs[2], blocks), (std::vector<std::string>{"L0.g1", "L0.proj"}));
}

TEST(Stages, of_a_hub_are_two_and_of_a_ring_none) {
    ModelShape shape = two_layers();
    shape.layers = 1;
    shape.layer_types.resize(1);
    const Placement placement = devices({0, 0, 0, 1, 1, 0, 0, 0});
    const Blocks hub(shape, {Granularity::sliced, 2, Reduce::hub});
    const auto by_hub = lower(hub, placement, DeviceId(0), 2);
    EXPECT_EQ(
        stages_of(by_hub[0], hub),
        (std::vector<std::string>{"embed", "L0.g0", "L0.hub", "L0.s1", "L0.hub", "lm_head"})
    );
    EXPECT_EQ(stages_of(by_hub[1], hub), (std::vector<std::string>{"L0.g2", "L0.s0"}));
    const Blocks ring(shape, kRing);
    const auto by_ring = lower(ring, placement, DeviceId(0), 2);
    EXPECT_EQ(
        stages_of(by_ring[0], ring),
        (std::vector<std::string>{"embed", "L0.g0", "L0.s1", "lm_head"})
    );
    EXPECT_EQ(stages_of(by_ring[1], ring), (std::vector<std::string>{"L0.g2", "L0.s0"}));
}

/// Returns "payload: sender's share receiver's share" of all sends.
std::vector<std::string> shares_of(const Program& program) {
    std::vector<std::string> shares;
    for (const Instruction& now : program) {
        if (now.code == OpCode::send) {
            shares.push_back(fmt::format(
                "{} to {}: {} {}",
                name_of(now.payload),
                now.peer.value,
                now.shares.sender,
                now.shares.receiver
            ));
        }
    }
    return shares;
}

TEST(Shares, are_those_of_one_payload_in_one_layer) {
    const Blocks blocks(two_layers());
    //           embed  g0 g1 g2 proj ffn   g0 g1 g2 proj ffn   lm_head; source 0
    const Placement placement = devices({0, 0, 1, 2, 1, 0, 0, 0, 0, 0, 0, 0});
    // 0 and 1 share one medium; 2 is alone in another one.
    const std::vector<Program> programs = lower(blocks, placement, DeviceId(0), 3, {0, 0, 1});
    EXPECT_EQ(
        shares_of(programs[0]),
        (std::vector<std::string>{
            "normed_x to 1: 3 0", // both its ends and one end of the next
            "x to 1: 2 0",        // a payload of its own
            "normed_x to 2: 3 1",
            "head_outputs to 1: 3 0",
        })
    );
    EXPECT_EQ(shares_of(programs[1]), (std::vector<std::string>{"residual to 0: 2 0"}));
    EXPECT_EQ(shares_of(programs[2]), (std::vector<std::string>{"head_outputs to 1: 1 3"}));
    const std::vector<Program> wired = lower(blocks, placement, DeviceId(0), 3);
    EXPECT_EQ(shares_of(wired[1]), (std::vector<std::string>{"residual to 0: 0 0"}));
}

/// In each step three devices send a part to the next one: six ends on one medium.
TEST(Shares, of_a_ring_are_those_of_one_step) {
    ModelShape shape = two_layers();
    shape.layers = 1;
    shape.layer_types.resize(1);
    const Blocks blocks(shape, kRing);
    const Placement placement = devices({0, 0, 1, 2, 0, 1, 0, 0});
    const std::vector<Program> programs = lower(blocks, placement, DeviceId(0), 3, {0, 0, 0});
    std::vector<std::string> expected;
    for (const std::string_view payload : {"ring_sum", "ring_x", "ring_sum", "ring_x"}) {
        expected.insert(expected.end(), 2, fmt::format("{} to 2: 6 0", payload));
    }
    EXPECT_EQ(shares_of(programs[1]), expected);
    const std::vector<std::string> source = shares_of(programs[0]);
    EXPECT_EQ(source[0], "x to 1: 4 0");
    EXPECT_EQ(source[1], "x to 2: 4 0");
    // With 2 outside, four ends are left.
    const std::vector<Program> two = lower(blocks, placement, DeviceId(0), 3, {0, 0, -1});
    EXPECT_EQ(shares_of(two[1])[0], "ring_sum to 2: 4 0");
    EXPECT_EQ(shares_of(two[2])[0], "ring_sum to 0: 0 4");
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
    shape.has_ends = false;
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

/// Executes the programs with queues of messages. Returns what is wrong with them, or "".
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

/// A model, its placement, and the programs of the devices.
struct Lowered {
    Blocks blocks;
    Placement placement;
    DeviceId source;
    std::vector<Program> programs;
};

enum class Layers : std::uint8_t { paper, hub, ring };

Lowered random_lowered(Random& random, Layers layers) {
    const ModelShape shape = testing::random_shape(random);
    const Reduce reduce = layers == Layers::ring ? Reduce::ring : Reduce::hub;
    const Cut cut = layers == Layers::paper ? Cut{} : testing::random_cut(random, shape, reduce);
    const auto count = 1 + static_cast<std::size_t>(random.below(6));
    const DeviceId source(static_cast<std::size_t>(random.below(count)));
    const Blocks blocks(shape, cut);
    const Placement placement = testing::random_placement(random, blocks.size(), count);
    return {blocks, placement, source, lower(blocks, placement, source, count)};
}

/// Checks that hubs are computed twice, groups once for each part and all other blocks once, on
/// their devices, and that the blocks of one kind and part on a device are in order.
std::string computing_fault(const Lowered& lowered) {
    std::vector<int> computed(lowered.blocks.size(), 0);
    for (std::size_t d = 0; d < lowered.programs.size(); ++d) {
        BlockId last{};
        BlockPart part = BlockPart::whole;
        for (const Instruction& now : lowered.programs[d]) {
            if (now.code != OpCode::compute) {
                continue;
            }
            const bool hub = lowered.blocks.name(now.block).kind == BlockKind::hub;
            if (lowered.placement[now.block.index()] != DeviceId(d)) {
                return "a block computed elsewhere";
            }
            if (hub && now.part != computed[now.block.index()]) {
                return "a hub's second sum before its first";
            }
            const auto parts = lowered.blocks.parts_of(now.block);
            const auto nth = static_cast<std::size_t>(computed[now.block.index()]);
            if (!hub && (nth >= parts.size() || now.work != parts[nth])) {
                return "the wrong part of a block";
            }
            const bool next_part = part == BlockPart::products && now.work == BlockPart::rest;
            if (!hub && last.valid() && now.block < last && !next_part) {
                return "blocks out of order";
            }
            last = hub ? last : now.block;
            part = hub ? part : now.work;
            ++computed[now.block.index()];
        }
    }
    for (std::size_t b = 0; b < computed.size(); ++b) {
        const bool hub = lowered.blocks.name(BlockId(b)).kind == BlockKind::hub;
        const auto parts = static_cast<int>(lowered.blocks.parts_of(BlockId(b)).size());
        if (computed[b] != (hub ? 2 : parts)) {
            return to_string(lowered.blocks.name(BlockId(b))) + " computed too often or never";
        }
    }
    return "";
}

/// Checks that consecutive messages go to, and come from, devices in increasing order. For one
/// device the input of units comes before x, and x before outputs. (In a ring all have one peer.)
std::string order_fault(const Lowered& lowered) {
    for (const Program& program : lowered.programs) {
        for (std::size_t i = 1; i < program.size(); ++i) {
            const Instruction& before = program[i - 1];
            const Instruction& now = program[i];
            if (now.code == OpCode::compute || before.code != now.code ||
                before.layer != now.layer || before.layer < 0) {
                continue;
            }
            if (now.peer < before.peer) {
                return "peers out of order";
            }
            const bool after_x = now.peer == before.peer && before.payload == Payload::x;
            if (now.code == OpCode::send && after_x && now.payload == Payload::normed_x) {
                return "x before normed x";
            }
            if (now.code == OpCode::receive && now.peer == before.peer &&
                now.payload == Payload::x) {
                return "x after a partial";
            }
        }
    }
    return "";
}

/// Checks that the numbers of partial sums have 4 bytes for one block and 8 for several.
std::string partial_fault(const Lowered& lowered) {
    for (const Program& program : lowered.programs) {
        std::map<std::pair<BlockKind, std::int32_t>, int> units;
        for (const Instruction& now : program) {
            if (now.code == OpCode::compute && now.work != BlockPart::products) {
                const BlockName& name = lowered.blocks.name(now.block);
                ++units[{name.kind, name.layer}];
            }
            const bool attention = now.payload == Payload::attention_partial;
            if (now.code == OpCode::send && (attention || now.payload == Payload::ffn_partial)) {
                const BlockKind kind = attention ? BlockKind::group : BlockKind::slice;
                const int added = units[{kind, now.layer}];
                const Bytes each = added == 1 ? 4 : 8;
                if (added == 0 || now.bytes_per_token != each * lowered.blocks.shape().width) {
                    return "a partial of the wrong size";
                }
            }
        }
    }
    return "";
}

/// Checks that every device with groups of a layer sends each other such device the sums of its own
/// groups, after its products and before its rests, and receives theirs in between, too; and that
/// there are no such messages if groups are whole.
std::string exchange_fault(const Lowered& lowered) {
    const Blocks& blocks = lowered.blocks;
    std::vector<std::map<DeviceId, int>> groups(static_cast<std::size_t>(blocks.shape().layers));
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        const BlockName& name = blocks.name(BlockId(b));
        if (name.kind == BlockKind::group && blocks.splits_groups()) {
            ++groups[static_cast<std::size_t>(name.layer)][lowered.placement[b]];
        }
    }
    for (std::size_t d = 0; d < lowered.programs.size(); ++d) {
        std::map<std::pair<OpCode, std::int32_t>, int> messages;
        std::map<std::pair<BlockPart, std::int32_t>, int> computed;
        for (const Instruction& now : lowered.programs[d]) {
            if (now.code == OpCode::compute) {
                ++computed[{now.work, blocks.name(now.block).layer}];
                continue;
            }
            if (now.payload != Payload::norm_sums || now.code == OpCode::norm ||
                now.code == OpCode::finish) {
                continue;
            }
            ++messages[{now.code, now.layer}];
            auto& on = groups[static_cast<std::size_t>(now.layer)];
            const DeviceId from = now.code == OpCode::send ? DeviceId(d) : now.peer;
            if (!on.contains(now.peer) || now.bytes_per_token != 16 * on[from]) {
                return "sums of the wrong size";
            }
            if (computed[{BlockPart::products, now.layer}] != on[DeviceId(d)] ||
                computed[{BlockPart::rest, now.layer}] != 0) {
                return "sums at the wrong time";
            }
        }
        for (std::int32_t l = 0; l < blocks.shape().layers; ++l) {
            const auto& on = groups[static_cast<std::size_t>(l)];
            const int others = on.contains(DeviceId(d)) ? static_cast<int>(on.size()) - 1 : 0;
            if (messages[{OpCode::send, l}] != others || messages[{OpCode::receive, l}] != others) {
                return "sums missing or sent twice";
            }
        }
    }
    return "";
}

/// Checks that the members of which a message's draw depends differ between the messages of a turn.
std::string key_fault(const Lowered& lowered) {
    for (const Program& program : lowered.programs) {
        std::set<std::tuple<DeviceId, Payload, std::int32_t, std::int32_t>> keys;
        for (const Instruction& now : program) {
            const std::int32_t part = now.part + now.step * now.parts;
            if (now.code == OpCode::send &&
                !keys.insert({now.peer, now.payload, now.layer, part}).second) {
                return "two messages with one key";
            }
        }
    }
    return "";
}

class LoweringOf : public ::testing::TestWithParam<Layers> {};

std::string name_of(const ::testing::TestParamInfo<Layers>& tested) {
    constexpr std::array kNames{"paper", "hub", "ring"};
    return kNames[static_cast<std::size_t>(tested.param)];
}

INSTANTIATE_TEST_SUITE_P(
    All, LoweringOf, ::testing::Values(Layers::paper, Layers::hub, Layers::ring), name_of
);

TEST_P(LoweringOf, random_placements_matches_every_send_in_order_and_never_deadlocks) {
    Random random(17);
    for (int i = 0; i < 500; ++i) {
        const Lowered lowered = random_lowered(random, GetParam());
        ASSERT_EQ(fault_of(lowered.programs), "") << "round " << i;
        ASSERT_EQ(computing_fault(lowered), "") << "round " << i;
        ASSERT_EQ(order_fault(lowered), "") << "round " << i;
        ASSERT_EQ(partial_fault(lowered), "") << "round " << i;
        ASSERT_EQ(exchange_fault(lowered), "") << "round " << i;
        ASSERT_EQ(key_fault(lowered), "") << "round " << i;
    }
}

TEST(Lowering, twin_the_properties_see_what_is_out_of_order) {
    const Blocks blocks(testing::example_shape(), kHub);
    // embed, two groups, two slices, hub, lm_head.
    const Placement placement = devices({0, 1, 1, 0, 1, 1, 0});
    const Lowered good{blocks, placement, DeviceId(0), lower(blocks, placement, DeviceId(0), 2)};
    ASSERT_EQ(computing_fault(good) + order_fault(good) + partial_fault(good), "");
    Lowered bad = good;
    bad.programs[0][1].payload = Payload::x; // normed x and x are exchanged
    bad.programs[0][2].payload = Payload::normed_x;
    EXPECT_EQ(order_fault(bad), "x before normed x");
    bad = good;
    std::swap(bad.programs[1][1], bad.programs[1][2]); // group 1 before group 0
    EXPECT_EQ(computing_fault(bad), "blocks out of order");
    bad = good;
    bad.programs[1].pop_back(); // last_x
    bad.programs[1].pop_back(); // the hub's second sum
    EXPECT_EQ(computing_fault(bad), "L0.hub computed too often or never");
    bad = good;
    for (Instruction& now : bad.programs[0]) {
        now.bytes_per_token *= now.payload == Payload::ffn_partial ? 2 : 1;
    }
    EXPECT_EQ(partial_fault(bad), "a partial of the wrong size");
}

TEST(Lowering, twin_the_properties_see_sums_that_are_missing_or_misplaced) {
    const Blocks blocks(with_width_norms(testing::example_shape()));
    const Placement placement = devices({0, 0, 1, 0, 0, 0});
    const Lowered good{blocks, placement, DeviceId(0), lower(blocks, placement, DeviceId(0), 2)};
    ASSERT_EQ(exchange_fault(good) + computing_fault(good), "");
    const auto sums =
        std::ranges::find(good.programs[1], Payload::norm_sums, &Instruction::payload);
    const auto at = static_cast<std::size_t>(sums - good.programs[1].begin());
    Lowered bad = good;
    bad.programs[1].erase(bad.programs[1].begin() + static_cast<std::ptrdiff_t>(at));
    EXPECT_EQ(exchange_fault(bad), "sums missing or sent twice");
    EXPECT_NE(fault_of(bad.programs), "");
    bad = good;
    std::swap(bad.programs[1][at - 1], bad.programs[1][at]);
    EXPECT_EQ(exchange_fault(bad), "sums at the wrong time");
    bad = good;
    bad.programs[1][at].bytes_per_token = 32;
    EXPECT_EQ(exchange_fault(bad), "sums of the wrong size");
    bad = good;
    bad.programs[1][at - 1].work = BlockPart::rest;
    EXPECT_EQ(computing_fault(bad), "the wrong part of a block");
}

TEST(Lowering, twin_the_properties_see_receives_out_of_order) {
    const Blocks blocks(testing::example_shape(), kHub);
    const Placement placement = devices({0, 0, 1, 0, 0, 2, 0}); // hub on C
    const Lowered good{blocks, placement, DeviceId(0), lower(blocks, placement, DeviceId(0), 3)};
    ASSERT_EQ(computing_fault(good) + order_fault(good), "");
    Lowered bad = good;
    std::swap(bad.programs[2][0], bad.programs[2][1]); // a partial before x of the same sender
    EXPECT_EQ(order_fault(bad), "x after a partial");
    bad = good;
    std::swap(bad.programs[2][1], bad.programs[2][2]); // B's partial before A's
    EXPECT_EQ(order_fault(bad), "peers out of order");
}

/// Executes a ring symbolically: a part is the list of the devices whose contributions it contains,
/// and the part of x after `finish`. Returns what is wrong, or "".
class RingMeaning {
  public:
    explicit RingMeaning(const Lowered& lowered)
        : lowered_(lowered), next_(lowered.programs.size(), 0), sums_(next_.size()),
          whole_(next_.size()), norms_(next_.size(), 0) {}

    std::string fault() {
        bool advanced = true;
        while (advanced && fault_.empty()) {
            advanced = false;
            for (std::size_t d = 0; d < next_.size(); ++d) {
                while (next_[d] < lowered_.programs[d].size() &&
                       step(d, lowered_.programs[d][next_[d]])) {
                    ++next_[d];
                    advanced = true;
                }
            }
        }
        return fault_;
    }

    [[nodiscard]] int norms(std::size_t d) const { return norms_[d]; }

  private:
    using Parts = std::map<std::int32_t, std::vector<std::size_t>>;

    bool step(std::size_t d, const Instruction& now) {
        if (now.code == OpCode::norm) {
            begin(d);
        } else if (now.code == OpCode::finish) {
            finish(d, now);
        } else if (now.code == OpCode::send) {
            sent_[{d, now.peer.index()}].push_back(
                (now.payload == Payload::ring_x ? whole_ : sums_)[d][now.part]
            );
        } else if (now.code == OpCode::receive) {
            return receive(d, now);
        }
        return true;
    }

    /// The stage before must have left all of x here.
    void begin(std::size_t d) {
        if (norms_[d]++ > 0) {
            check_all(d);
        }
        whole_[d].clear();
        sums_[d].clear();
        for (std::int32_t part = 0; part < 64; ++part) {
            sums_[d][part] = {d};
        }
    }

    void check_all(std::size_t d) {
        std::int64_t elements = 0;
        for (const auto& [part, devices] : whole_[d]) {
            elements += ring_part(lowered_.blocks.shape().width, part, parts_).count;
        }
        if (elements != lowered_.blocks.shape().width) {
            fault_ = "a stage that begins without all of x";
        }
    }

    void finish(std::size_t d, const Instruction& now) {
        parts_ = now.parts;
        std::vector<std::size_t>& devices = sums_[d][now.part];
        std::sort(devices.begin(), devices.end());
        const bool once = std::adjacent_find(devices.begin(), devices.end()) == devices.end();
        if (!once || devices.size() != static_cast<std::size_t>(now.parts)) {
            fault_ = "a part finished without every device's sum in it once";
        }
        whole_[d][now.part] = devices;
    }

    bool receive(std::size_t d, const Instruction& now) {
        std::deque<std::vector<std::size_t>>& queue = sent_[{now.peer.index(), d}];
        if (queue.empty()) {
            return false;
        }
        std::vector<std::size_t> devices = queue.front();
        queue.pop_front();
        if (now.payload == Payload::ring_sum) {
            std::vector<std::size_t>& own = sums_[d][now.part];
            own.insert(own.end(), devices.begin(), devices.end());
        } else if (now.payload == Payload::ring_x) {
            fault_ = devices.size() == static_cast<std::size_t>(now.parts)
                         ? fault_
                         : "a part of x that was not finished";
            whole_[d][now.part] = devices;
        }
        return true;
    }

    const Lowered& lowered_;
    std::vector<std::size_t> next_;
    std::vector<Parts> sums_;
    std::vector<Parts> whole_;
    std::vector<int> norms_;
    std::map<std::pair<std::size_t, std::size_t>, std::deque<std::vector<std::size_t>>> sent_;
    std::int32_t parts_ = 1;
    std::string fault_;
};

TEST(RingMeaning, is_an_all_reduce_in_every_stage) {
    Random random(23);
    for (int i = 0; i < 300; ++i) {
        const Lowered lowered = random_lowered(random, Layers::ring);
        RingMeaning meaning(lowered);
        ASSERT_EQ(meaning.fault(), "") << "round " << i;
        for (std::size_t d = 0; d < lowered.programs.size(); ++d) {
            const bool holds =
                std::find(lowered.placement.begin(), lowered.placement.end(), DeviceId(d)) !=
                lowered.placement.end();
            const bool ring =
                holds || (!lowered.blocks.shape().has_ends && lowered.source == DeviceId(d));
            EXPECT_EQ(meaning.norms(d), ring ? 2 * lowered.blocks.shape().layers : 0);
        }
    }
}

TEST(RingMeaning, holds_with_more_devices_than_elements) {
    ModelShape shape = testing::example_shape();
    shape.heads = 1;
    shape.kv_heads = 1;
    shape.width = 6;
    const Blocks blocks(shape, {Granularity::sliced, 8, Reduce::ring});
    //           embed, a group, eight slices, hub, lm_head: eight devices for six elements
    const Placement placement = devices({0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 7, 0});
    const Lowered lowered{blocks, placement, DeviceId(0), lower(blocks, placement, DeviceId(0), 8)};
    EXPECT_EQ(fault_of(lowered.programs), "");
    EXPECT_EQ(RingMeaning(lowered).fault(), "");
    for (const Program& program : lowered.programs) {
        for (const Instruction& now : program) {
            EXPECT_TRUE(now.code != OpCode::send || now.bytes_per_token > 0);
        }
    }
}

TEST(RingMeaning, twin_sees_a_part_that_is_finished_or_sent_too_early) {
    ModelShape shape = two_layers();
    const Blocks blocks(shape, kRing);
    Placement placement(blocks.size(), DeviceId(0));
    placement[2] = DeviceId(1);
    placement[3] = DeviceId(2);
    const Lowered good{blocks, placement, DeviceId(0), lower(blocks, placement, DeviceId(0), 3)};
    ASSERT_EQ(RingMeaning(good).fault(), "");
    Lowered early = good;
    Program& program = early.programs[1];
    const auto finish = std::find_if(program.begin(), program.end(), [](const Instruction& i) {
        return i.code == OpCode::finish;
    });
    std::swap(*finish, *(finish - 1)); // before the last sum has been received
    EXPECT_EQ(RingMeaning(early).fault(), "a part finished without every device's sum in it once");
    Lowered wrong = good;
    for (Program& changed : wrong.programs) {
        for (Instruction& now : changed) {
            now.part = now.payload == Payload::ring_x ? (now.part + 1) % 3 : now.part;
        }
    }
    EXPECT_EQ(RingMeaning(wrong).fault(), "a part of x that was not finished");
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
