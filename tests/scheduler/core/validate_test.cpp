// validate(), with bytes added up by hand. A "twin" test shows that a check fails if one byte or
// one FLOP is missing.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/core/validate.hpp"
#include "tests/scheduler/instances/fleets.hpp"

namespace headroom::scheduler {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr DeviceId kA{0};
constexpr DeviceId kB{1};

/// The worked example at T + λ = 9 + 3 = 12, where each head has one page of cache: 2·16·32·4 =
/// 4096 B.
class Validate : public ::testing::Test {
  protected:
    Blocks blocks{testing::example_shape()};
    Problem problem;
    Placement placement = testing::example_placement();

    static constexpr Bytes kEnd = 100 * 64 * 4 + 256; // embed, or an lm_head that is not tied
    static constexpr Bytes kHead = 24'576 + 4'096;
    static constexpr Bytes kProj = 16'384;
    static constexpr Bytes kFfn = 98'304 + 256; // the last layer's: one norm
    static constexpr Bytes kBuffers = 1'000;
    static constexpr Bytes kNeedA = 2 * kEnd + kHead + kProj + kBuffers;
    static constexpr Bytes kNeedB = kHead + kFfn + kBuffers;

    void SetUp() override {
        problem.blocks = &blocks;
        problem.snapshot = take_snapshot(testing::example_fleet(), 0, 0);
        problem.context = 9;
        problem.interval = 3;
        problem.buffers = kBuffers;
        problem.snapshot.devices[0].memory = kNeedA;
        problem.snapshot.devices[1].memory = kNeedB;
    }
};

TEST_F(Validate, accepts_what_just_fits) {
    EXPECT_THAT(validate(problem, placement).problems, IsEmpty());
}

TEST_F(Validate, counts_all_experts_and_their_router) {
    ModelShape shape = testing::example_shape();
    shape.experts = 6;
    shape.experts_used = 2;
    const Blocks mixture(shape);
    problem.blocks = &mixture;
    // Five more networks of the ffn's 98304 B of matrices, and 6 rows of 64 F32 numbers.
    const Bytes more = 5 * 98'304 + 6 * 64 * 4;
    problem.snapshot.devices[1].memory = kNeedB + more;
    EXPECT_THAT(validate(problem, placement).problems, IsEmpty());
    problem.snapshot.devices[1].memory = kNeedB + more - 1;
    EXPECT_EQ(validate(problem, placement).shortages.size(), 1U);
}

TEST_F(Validate, twin_rejects_one_byte_too_much) {
    problem.snapshot.devices[0].memory = kNeedA - 1;
    const Verdict verdict = validate(problem, placement);
    EXPECT_FALSE(verdict.ok());
    ASSERT_EQ(verdict.shortages.size(), 1U);
    EXPECT_EQ(verdict.shortages[0].device, kA);
    EXPECT_EQ(verdict.shortages[0].needed, kNeedA);
    EXPECT_EQ(verdict.shortages[0].budget, kNeedA - 1);
    EXPECT_THAT(
        verdict.problems,
        ElementsAre(fmt::format(
            "device 0 needs {} B for its blocks and buffers but has {} B at T + lambda = 12",
            kNeedA,
            kNeedA - 1
        ))
    );
}

TEST_F(Validate, reports_each_shortage_in_a_sentence) {
    problem.snapshot.devices[0].memory = 65'536;
    problem.snapshot.devices[1].memory = 0;
    // A: 2·25 856 + 28 672 + 16 384 + 1000 = 97 768 B; B: 28 672 + 98 560 + 1000 = 128 232 B.
    EXPECT_THAT(
        validate(problem, placement).problems,
        ElementsAre(
            "device 0 needs 95.5 KiB for its blocks and buffers but has 64.0 KiB at T + lambda = "
            "12",
            "device 1 needs 125 KiB for its blocks and buffers but has 0 B at T + lambda = 12"
        )
    );
}

TEST_F(Validate, charges_memory_at_the_end_of_the_interval) {
    problem.interval = 8; // context 17: a second page on each device
    EXPECT_EQ(validate(problem, placement).shortages.size(), 2U);
    problem.snapshot.devices[0].memory += 4'096;
    problem.snapshot.devices[1].memory += 4'096;
    EXPECT_TRUE(validate(problem, placement).ok());
}

TEST_F(Validate, charges_every_sequence_whole_pages_of_its_own) {
    problem.context = 29; // with λ = 3: 2, 1 and 1 pages, though all rows would fit in 3 pages
    problem.sequences = {{29, 29}, {9, 9}, {0, 0}};
    EXPECT_EQ(validate(problem, placement).shortages.size(), 2U);
    problem.snapshot.devices[0].memory += 3 * 4'096;
    problem.snapshot.devices[1].memory += 3 * 4'096;
    EXPECT_TRUE(validate(problem, placement).ok());
    problem.snapshot.devices[1].memory -= 1;
    EXPECT_THAT(
        validate(problem, placement).problems,
        ElementsAre(fmt::format(
            "device 1 needs {} B for its blocks and buffers but has {} B at T + lambda = 32 with 3 "
            "sequences in flight",
            kNeedB + 3 * 4'096,
            kNeedB + 3 * 4'096 - 1
        ))
    );
}

TEST_F(Validate, charges_no_buffers_to_a_device_without_blocks) {
    problem.snapshot.devices[0].memory = 2 * kEnd + 2 * kHead + kProj + kFfn + kBuffers;
    problem.snapshot.devices[1].memory = 0;
    EXPECT_TRUE(validate(problem, Placement(blocks.size(), kA)).ok());
}

TEST_F(Validate, counts_a_tied_matrix_once_on_one_device) {
    ModelShape shape = testing::example_shape();
    shape.tied = true;
    const Blocks tied(shape);
    problem.blocks = &tied;
    problem.snapshot.devices[0].memory = kNeedA - 100 * 64 * 4;
    EXPECT_TRUE(validate(problem, placement).ok());
    problem.snapshot.devices[0].memory -= 1;
    EXPECT_FALSE(validate(problem, placement).ok());
    problem.snapshot.devices[0].memory = kNeedA - kEnd;
    problem.snapshot.devices[1].memory = kNeedB + kEnd;
    placement.back() = kB; // not on the device of embed: it needs a matrix of its own
    EXPECT_TRUE(validate(problem, placement).ok());
    problem.snapshot.devices[1].memory -= 1;
    EXPECT_FALSE(validate(problem, placement).ok());
}

TEST_F(Validate, requires_every_block_on_an_existing_device) {
    placement[3] = DeviceId(7);
    placement[4] = DeviceId();
    EXPECT_THAT(
        validate(problem, placement).problems,
        ElementsAre(
            "L0.proj is on device 7, which does not exist",
            "L0.ffn is on device -1, which does not exist"
        )
    );
    placement.pop_back();
    EXPECT_THAT(
        validate(problem, placement).problems, ElementsAre("5 blocks placed, the model has 6")
    );
}

TEST_F(Validate, requires_pinned_ends_on_the_source) {
    problem.ends_at_source = true;
    EXPECT_THAT(validate(problem, placement).problems, IsEmpty());
    problem.source = kB;
    EXPECT_THAT(
        validate(problem, placement).problems,
        ElementsAre(
            HasSubstr("embed is on device 0, but it is pinned to the source, device 1"),
            HasSubstr("lm_head is on device 0")
        )
    );
    problem.ends_at_source = false;
    EXPECT_THAT(validate(problem, placement).problems, IsEmpty());
}

TEST_F(Validate, agrees_with_the_cost_functions_that_it_does_not_use) {
    Random random(8);
    for (int i = 0; i < 100; ++i) {
        const Blocks other(testing::random_shape(random));
        problem.blocks = &other;
        placement = testing::random_placement(random, other.size(), 2);
        problem.context = 1 + static_cast<std::int64_t>(random.below(90));
        for (const DeviceId d : {kA, kB}) {
            Bytes needed = 0;
            for (std::size_t b = 0; b < other.size(); ++b) {
                if (placement[b] == d) {
                    needed += other.resident_bytes(BlockId(b), problem.horizon(), placement);
                }
            }
            problem.snapshot.devices[d.index()].memory = needed > 0 ? needed + kBuffers : 0;
        }
        EXPECT_TRUE(validate(problem, placement).ok());
        Bytes& memory = problem.snapshot.devices[placement[0].index()].memory;
        memory -= 1;
        EXPECT_EQ(validate(problem, placement).shortages.size(), 1U);
    }
}

/// Returns the bytes that each device needs by the cost functions.
std::vector<Bytes> needs(const Problem& problem, const Placement& placement) {
    const Blocks& blocks = *problem.blocks;
    std::vector<Bytes> needed(problem.snapshot.size(), 0);
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        Bytes& sum = needed[placement[b].index()];
        sum += sum == 0 ? problem.buffers : 0;
        sum += blocks.resident_bytes(BlockId(b), problem.horizon(), placement);
    }
    return needed;
}

TEST_F(Validate, agrees_with_the_cost_functions_of_sliced_blocks) {
    Random random(9);
    for (int i = 0; i < 300; ++i) {
        ModelShape shape = testing::fine_shape(random);
        shape.tied = shape.has_ends && i % 2 == 0;
        const Reduce reduce = i % 3 == 0 ? Reduce::ring : Reduce::hub;
        const Blocks sliced(shape, testing::random_cut(random, shape, reduce));
        problem.blocks = &sliced;
        placement = testing::random_placement(random, sliced.size(), 2);
        problem.context = 1 + static_cast<std::int64_t>(random.below(90));
        const std::vector<Bytes> needed = needs(problem, placement);
        for (std::size_t d = 0; d < needed.size(); ++d) {
            problem.snapshot.devices[d].memory = needed[d];
        }
        ASSERT_TRUE(validate(problem, placement).ok()) << "round " << i;
        for (std::size_t d = 0; d < needed.size(); ++d) {
            if (needed[d] == 0) {
                continue; // the device has no blocks
            }
            problem.snapshot.devices[d].memory = needed[d] - 1; // the twin
            ASSERT_EQ(validate(problem, placement).shortages.size(), 1U) << "round " << i;
            problem.snapshot.devices[d].memory = needed[d];
        }
    }
}

/// D 64, two heads of width 32, F 128 in 16 slices of 8 columns. In q8_0 each of four slices stores
/// the same quantisation block.
TEST_F(Validate, twin_rejects_slices_that_share_a_quantisation_block_and_pay_for_it_once) {
    ModelShape shape = testing::example_shape();
    shape.has_ends = false;
    shape.layer_types = {LayerTypes::all(WeightType::q8_0)};
    const Blocks sliced(shape, {Granularity::sliced, 16});
    problem.blocks = &sliced;
    placement.assign(sliced.size(), kA);
    // A group: 3·32 rows of 68 B, 64 rows of 34 B, a page; a slice: 2·8 rows, 64 of 34 B; a norm.
    const Bytes groups = 2 * (3 * 32 * 68 + 64 * 34 + 4'096);
    const Bytes slices = 16 * (2 * 8 * 68 + 64 * 34);
    const Bytes paid_once = 2 * 128 * 68 + 64 * 4 * 34;
    problem.snapshot.devices[0].memory = groups + slices + 256 + kBuffers;
    EXPECT_TRUE(validate(problem, placement).ok());
    problem.snapshot.devices[0].memory = groups + paid_once + 256 + kBuffers;
    const Verdict verdict = validate(problem, placement);
    ASSERT_EQ(verdict.shortages.size(), 1U);
    EXPECT_EQ(verdict.shortages[0].needed, groups + slices + 256 + kBuffers);
}

TEST_F(Validate, names_sliced_blocks_without_a_device) {
    const Blocks sliced(testing::example_shape(), {Granularity::sliced, 2});
    problem.blocks = &sliced;
    placement = {kA, kA, kB, kA, DeviceId(7), DeviceId(), kA};
    EXPECT_THAT(
        validate(problem, placement).problems,
        ElementsAre(
            "L0.s1 is on device 7, which does not exist",
            "L0.hub is on device -1, which does not exist"
        )
    );
}

/// L₀ 10 and L 12, so n = 2. Head: 3·12·32·4 + 3·64·32·4 + 2·64·4 = 29 696 B and 78 336; proj 3072
/// B and 49 152; ffn 12 288 B and 393 216. No buffers, no ends.
class ValidatePaper : public Validate {
  protected:
    void SetUp() override {
        Validate::SetUp();
        problem.cost_profile = CostProfile::paper;
        problem.prompt = 10;
        problem.snapshot.devices[0].memory = 29'696 + 3'072;
        problem.snapshot.devices[1].memory = 29'696 + 12'288;
        problem.snapshot.devices[0].compute = 78'336 + 49'152;
        problem.snapshot.devices[1].compute = 2 * (78'336 + 393'216);
        problem.t_budget_s = 1.0;
    }
};

TEST_F(ValidatePaper, accepts_what_just_fits) {
    EXPECT_THAT(validate(problem, placement).problems, IsEmpty());
    problem.snapshot.devices[1].compute /= 2;
    EXPECT_THAT(validate(problem, placement).problems, IsEmpty());
}

TEST_F(ValidatePaper, twin_rejects_one_byte_and_one_flop_too_much) {
    problem.snapshot.devices[1].memory -= 1;
    EXPECT_EQ(validate(problem, placement).shortages.size(), 1U);
    problem.snapshot.devices[1].memory += 1;
    problem.snapshot.devices[0].compute -= 1;
    const Verdict verdict = validate(problem, placement);
    EXPECT_TRUE(verdict.shortages.empty());
    EXPECT_THAT(
        verdict.problems,
        ElementsAre(
            "device 0 needs 127488 FLOP in layer 0 but does 127487 within the 1 s of t_budget"
        )
    );
}

TEST_F(ValidatePaper, accepts_more_compute_with_a_larger_t_budget) {
    problem.snapshot.devices[0].compute /= 2;
    EXPECT_FALSE(validate(problem, placement).ok());
    problem.t_budget_s = 2.0;
    EXPECT_TRUE(validate(problem, placement).ok());
}

TEST_F(ValidatePaper, adds_memory_over_layers_but_checks_compute_per_layer) {
    ModelShape shape = testing::example_shape();
    shape.layers = 2;
    shape.layer_types.assign(2, LayerTypes{});
    const Blocks two(shape);
    problem.blocks = &two;
    placement = {kA, kA, kB, kA, kB, kA, kB, kA, kB, kA};
    EXPECT_THAT(
        validate(problem, placement).problems,
        ElementsAre(HasSubstr("device 0 needs 64.0 KiB for its blocks but"), HasSubstr("device 1"))
    );
    problem.snapshot.devices[0].memory *= 2;
    problem.snapshot.devices[1].memory *= 2;
    EXPECT_TRUE(validate(problem, placement).ok());
}

} // namespace
} // namespace headroom::scheduler
