// The published method, decision by decision, with numbers computed by hand.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/construct/paper_placer.hpp"
#include "scheduler/construct/paper_score.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/explain/explanation_text.hpp"
#include "scheduler/policies/registry.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "tests/scheduler/instances/fleets.hpp"
#include "tests/scheduler/instances/instances.hpp"

namespace headroom::scheduler {
namespace {

using ::testing::AllOf;
using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Instance;
using testing::planted_instance;
using testing::random_cell;
using testing::wild_instance;

constexpr DeviceId kA{0};
constexpr DeviceId kB{1};
constexpr DeviceId kC{2};

ModelShape shape_without_ends() {
    ModelShape shape = testing::example_shape();
    shape.has_ends = false;
    return shape;
}

/// Two heads, D 64, d 32, L₀ 10, T 11, λ 1: costs at L = 12, n = 2.
///   head  29 696 B   78 336 FLOP, sends 1536 B     moved (L 11, n 1): 29 056 B
///   proj    3072 B   49 152 FLOP, sends 3072 B                          2816 B
///   ffn   12 288 B  393 216 FLOP                                      11 264 B
/// T_budget 1 s.
class PaperPolicy : public ::testing::Test {
  protected:
    Blocks blocks{shape_without_ends()};
    Problem problem;
    const BlockId head0 = blocks.group(0, 0);
    const BlockId head1 = blocks.group(0, 1);
    const BlockId proj = blocks.proj(0);
    const BlockId ffn = blocks.ffn(0);

    void SetUp() override {
        problem.blocks = &blocks;
        problem.cost_profile = CostProfile::paper;
        problem.prompt = 10;
        problem.context = 11;
        problem.rows = 11;
        problem.interval = 1;
    }

    struct Device {
        PerSecond compute;
        Bytes memory;
    };

    void devices(const std::vector<Device>& given, PerSecond bandwidth) {
        for (const Device& device : given) {
            Snapshot::Device d;
            d.compute = device.compute;
            d.memory = device.memory;
            problem.snapshot.devices.push_back(d);
        }
        problem.snapshot.links.assign(given.size() * given.size(), {bandwidth, 5'000'000});
    }

    [[nodiscard]] Decision decide() const {
        return make_policy(PolicyKind::paper)->decide(problem);
    }

    [[nodiscard]] std::vector<double> scores_after(
        const std::vector<std::pair<BlockId, DeviceId>>& placed, BlockId b
    ) const {
        PaperDraft draft(problem);
        for (const auto& [block, device] : placed) {
            draft.place(block, device);
        }
        return Scores(problem).of(draft, b);
    }
};

/// A 10^6 FLOP/s, B 6·10^5; 10^5 B each; 10^4 B/s between them. Sizes m/10^5 + c/10^6: ffn 0.516,
/// heads 0.375, proj 0.080.
class FirstPlacement : public PaperPolicy {
  protected:
    void SetUp() override {
        PaperPolicy::SetUp();
        devices({{1'000'000, 100'000}, {600'000, 100'000}}, 10'000);
    }
};

TEST_F(FirstPlacement, takes_blocks_by_size) {
    const Scores scores(problem);
    EXPECT_DOUBLE_EQ(scores.size(ffn), 0.12288 + 0.393216);
    EXPECT_DOUBLE_EQ(scores.size(head0), 0.29696 + 0.078336);
    EXPECT_DOUBLE_EQ(scores.size(proj), 0.03072 + 0.049152);
}

TEST_F(FirstPlacement, scores_by_the_largest_share_of_remaining_resources) {
    // ffn: A max(0.393, 0.123), B max(0.655, 0.123): A.
    EXPECT_THAT(scores_after({}, ffn), ElementsAre(0.393216, 393'216.0 / 600'000));
    // head 0: A has 606 784 FLOP and 87 712 B left, 0.339 by memory; B 0.297: B.
    EXPECT_THAT(
        scores_after({{ffn, kA}}, head0), ElementsAre(29'696.0 / 87'712, 29'696.0 / 100'000)
    );
    // head 1: A still 0.339; B has 70 304 B left, 0.422: A.
    EXPECT_THAT(
        scores_after({{ffn, kA}, {head0, kB}}, head1),
        ElementsAre(29'696.0 / 87'712, 29'696.0 / 70'304)
    );
    // proj: either device gets one head's 1536 B from the other, 0.1536 s, which exceeds the shares
    // of compute (0.093 and 0.094) and memory (0.053 and 0.044). A tie: the lower, A.
    EXPECT_THAT(
        scores_after({{ffn, kA}, {head0, kB}, {head1, kA}}, proj), ElementsAre(0.1536, 0.1536)
    );
    const Decision decision = decide();
    ASSERT_TRUE(decision.feasible) << explanation_text(decision.why);
    EXPECT_EQ(decision.placement, (Placement{kB, kA, kA, kA}));
    // max(78 336/10^6, 78 336/(6·10^5)) + 0.1536 + (49 152 + 393 216)/10^6 s.
    EXPECT_DOUBLE_EQ(decision.paper_delay_s, 0.13056 + 0.1536 + 0.049152 + 0.393216);
    EXPECT_EQ(decision.paper_migration_s, 0.0);
}

TEST_F(FirstPlacement, scores_by_the_weighted_sum_if_configured) {
    problem.paper.score = PaperScore::weighted;
    // As above up to proj, where 0.3·0.1536 is the same on both, and the rest decides: A 0.4·49
    // 152/528 448 + 0.3·3072/58 016 = 0.05309, B 0.4·49 152/521 664 + 0.3·3072/70 304 = 0.05080: B.
    const std::vector<double> scores = scores_after({{ffn, kA}, {head0, kB}, {head1, kA}}, proj);
    EXPECT_DOUBLE_EQ(
        scores[0], 0.4 * (49'152.0 / 528'448) + 0.3 * (3'072.0 / 58'016) + 0.3 * 0.1536
    );
    EXPECT_DOUBLE_EQ(
        scores[1], 0.4 * (49'152.0 / 521'664) + 0.3 * (3'072.0 / 70'304) + 0.3 * 0.1536
    );
    EXPECT_EQ(decide().placement, (Placement{kB, kA, kB, kA}));
}

TEST_F(FirstPlacement, puts_embed_and_lm_head_on_the_source) {
    const Blocks with_ends(testing::example_shape());
    problem.blocks = &with_ends;
    problem.source = kB;
    EXPECT_EQ(decide().placement, (Placement{kB, kB, kA, kA, kA, kB}));
    problem.previous = Placement{kA, kB, kA, kA, kA, kA}; // and keeps their devices afterwards
    EXPECT_EQ(decide().placement, *problem.previous);
}

TEST_F(FirstPlacement, divides_by_t_budget) {
    problem.t_budget_s = 2.0; // twice the FLOP; transfers and migrations count half
    EXPECT_THAT(scores_after({}, ffn), ElementsAre(0.196608, 393'216.0 / 1'200'000));
    EXPECT_THAT(
        scores_after({{ffn, kA}, {head0, kB}, {head1, kA}}, proj), ElementsAre(0.0768, 0.0768)
    );
}

TEST_F(PaperPolicy, prefers_the_previous_device_then_the_lowest_in_a_tie) {
    devices({{1'000'000, 100'000}, {1'000'000, 100'000}}, kUnlimited);
    // Equal devices, and moving costs nothing: ffn scores 0.393216 on both.
    EXPECT_THAT(scores_after({}, ffn), ElementsAre(0.393216, 0.393216));
    PaperDraft draft(problem);
    EXPECT_EQ(Scores(problem).best(draft, ffn), kA);
    problem.previous = Placement(4, kB);
    EXPECT_EQ(Scores(problem).best(draft, ffn), kB);
}

/// A 599 040 FLOP/s, so that the layer takes 1 s there; B twice that; memory plenty; 10^6 B/s.
/// Everything was on A. D_mig in the scores: ffn 0.011264 s, a head 0.029056 s, proj 0.002816 s.
class FromSlowToFast : public PaperPolicy {
  protected:
    void SetUp() override {
        PaperPolicy::SetUp();
        devices({{599'040, 1'000'000'000}, {1'198'080, 1'000'000'000}}, 1'000'000);
        problem.previous = Placement(4, kA);
    }
};

TEST_F(FromSlowToFast, moves_blocks_whose_migration_pays) {
    // ffn: A 0.656, B 0.328 + 0.011: B. head 0: A 0.13077, B 78 336/804 864 + 0.029056 = 0.12638:
    // B. head 1: A 0.13077, B 78 336/726 528 + 0.029056 = 0.13688: A. proj: A 49 152/520 704 =
    // 0.0944, B 49 152/726 528 + 0.002816 = 0.0705: B.
    const std::vector<double> scores = scores_after({{ffn, kB}, {head0, kB}}, head1);
    EXPECT_DOUBLE_EQ(scores[0], 78'336.0 / 599'040);
    EXPECT_DOUBLE_EQ(scores[1], 78'336.0 / 726'528 + 0.029056);
    const Decision decision = decide();
    EXPECT_EQ(decision.placement, (Placement{kB, kA, kB, kB}));
    // 78 336/599 040 + 1536/10^6 + (49 152 + 393 216)/1 198 080 = 0.501536 s instead of 1 s.
    EXPECT_NEAR(decision.paper_delay_s, 0.501536, 1e-15);
    EXPECT_NEAR(decision.paper_migration_s, 0.011264 + 0.029056 + 0.002816, 1e-17);
    EXPECT_NEAR(objective(problem, decision), 0.544672, 1e-15);
    EXPECT_DOUBLE_EQ(objective(problem, *problem.previous), 1.0);
    EXPECT_THAT(explanation_text(decision.why), HasSubstr("502 ms per token instead of 1.00 s"));
}

TEST_F(FromSlowToFast, spreads_the_cost_of_moving_over_the_interval) {
    problem.interval = 2;
    problem.context = 10; // T + λ stays 12; a head moves at L 10, n 0: 28 416 B
    const std::vector<double> scores = scores_after({{ffn, kB}, {head0, kB}}, head1);
    EXPECT_DOUBLE_EQ(scores[1], 78'336.0 / 726'528 + 0.028416 / 2);
}

TEST_F(FromSlowToFast, sends_only_the_cache_where_weights_are_everywhere) {
    problem.weights_everywhere = true;
    // A head's cache at n = 1: 256 B; ffn and proj have none.
    const std::vector<double> scores = scores_after({{ffn, kB}, {head0, kB}}, head1);
    EXPECT_DOUBLE_EQ(scores[1], 78'336.0 / 726'528 + 0.000256);
    const Decision decision = decide();
    EXPECT_EQ(decision.placement, (Placement{kB, kB, kB, kB}));
    EXPECT_NEAR(decision.paper_migration_s, 2 * 0.000256, 1e-18);
}

TEST_F(PaperPolicy, keeps_the_placement_if_migration_does_not_pay) {
    // Equal fast devices with little memory: the scores put head 1 and proj on B because of memory.
    // Heads first: head 0 A 0.29696; head 1 A 29 696/70 304 = 0.422, B 0.29696 + 0.029056: B. ffn:
    // A 0.17479, B that + 0.011264: A. proj: A 3072/58 016 = 0.0530, B 3072/70 304 + 0.002816 =
    // 0.0465: B.
    devices({{1'000'000'000, 100'000}, {1'000'000'000, 100'000}}, 1'000'000);
    problem.previous = Placement(4, kA);
    const PaperPlacing placing = place_by_score(problem);
    EXPECT_EQ(placing.placement, (Placement{kA, kB, kB, kA}));
    // New: 78 336 + 49 152 + 393 216 ns of compute, 1.536 + 3.072 ms of transfers, 31.872 ms of
    // migration. Old: 599 040 ns.
    EXPECT_NEAR(objective(problem, placing.placement), 0.005128704 + 0.031872, 1e-15);
    EXPECT_NEAR(objective(problem, *problem.previous), 0.00059904, 1e-15);
    const Decision decision = decide();
    EXPECT_EQ(decision.placement, *problem.previous);
    EXPECT_EQ(decision.paper_migration_s, 0.0);
    EXPECT_THAT(explanation_text(decision.why), HasSubstr("kept: "));
}

/// A 6·10^5 FLOP/s, B 7·10^5 with 30 000 B. By size ffn comes first (0.834; heads 0.770) and goes
/// to B (0.562; A 0.655), head 0 fits only A, and then head 1 fits nowhere.
class Resolve : public PaperPolicy {
  protected:
    void with_memory_of_a(Bytes memory) {
        devices({{600'000, memory}, {700'000, 30'000}}, 1'000'000);
    }
};

TEST_F(Resolve, evicts_from_the_device_that_lacks_least) {
    // After head 0, A has 15 404 B and lacks 14 292; B has 17 712 B and lacks 11 984. B's ffn goes
    // (12 288 B; 1.1·11 984 = 13 182 would be better, but B has nothing else), head 1 fits, ffn
    // fits A, which leaves 3116 B: enough for proj.
    with_memory_of_a(45'100);
    const PaperPlacing placing = place_by_score(problem);
    EXPECT_EQ(placing.stuck, std::nullopt);
    EXPECT_EQ(placing.evictions, 1);
    EXPECT_EQ(placing.placement, (Placement{kA, kB, kA, kA}));
    EXPECT_TRUE(validate(problem, placing.placement).ok());
}

TEST_F(Resolve, may_evict_no_more_often_than_it_is_allowed) {
    with_memory_of_a(45'100);
    problem.paper.backtracks = 0;
    const Decision decision = decide();
    EXPECT_FALSE(decision.feasible);
    EXPECT_TRUE(decision.placement.empty());
    EXPECT_THAT(
        explanation_text(decision.why),
        AllOf(
            HasSubstr("no placement found: at context 12 "),
            HasSubstr("but device 1 lacks 11.7 KiB (needs 41.0 KiB, has 29.3 KiB); L0.g1 finds no "
                      "room after 0 evictions")
        )
    );
}

TEST_F(Resolve, undoes_evictions_if_the_evicted_blocks_find_no_room) {
    // A with 41 900 B has 12 204 B left after head 0. The evicted ffn fits nowhere and returns to
    // B. Then A, which lacks 17 492 B, evicts head 0 for head 1; head 0 fits nowhere and returns. C
    // has no block to evict. All blocks need 74 752 B, the three devices have 82 900 B.
    devices({{600'000, 41'900}, {700'000, 30'000}, {600'000, 11'000}}, 1'000'000);
    const PaperPlacing placing = place_by_score(problem);
    EXPECT_EQ(placing.stuck, head1);
    EXPECT_EQ(placing.evictions, 2);
    // The reported attempt has head 1 on B beside ffn, and proj on a device where it fits.
    EXPECT_EQ(placing.placement[head0.index()], kA);
    EXPECT_EQ(placing.placement[head1.index()], kB);
    EXPECT_EQ(placing.placement[ffn.index()], kB);
    const Decision decision = decide();
    EXPECT_FALSE(decision.feasible);
    EXPECT_THAT(
        explanation_text(decision.why),
        AllOf(HasSubstr("but device 1 lacks 11.7 KiB"), HasSubstr("after 2 evictions"))
    );
}

TEST_F(Resolve, keeps_a_previous_placement_that_fits_if_it_finds_no_new_one) {
    devices({{600'000, 42'000}, {700'000, 30'000}, {600'000, 15'400}}, 1'000'000);
    problem.previous = Placement{kA, kB, kC, kC}; // 29 696; 29 696; 3072 + 12 288 B
    problem.paper.backtracks = 0;
    EXPECT_TRUE(place_by_score(problem).stuck.has_value());
    const Decision decision = decide();
    ASSERT_TRUE(decision.feasible) << explanation_text(decision.why);
    EXPECT_EQ(decision.placement, *problem.previous);
}

TEST_F(PaperPolicy, says_that_no_device_can_compute_ffn_within_t_budget) {
    devices({{300'000, 1'000'000}, {390'000, 1'000'000}}, 1'000'000);
    const std::string why =
        "no device can compute ffn within t_budget = 1 s: it needs 393 kFLOP at context 12, and "
        "the fastest, device 1, does 390 kFLOP; it needs a t_budget of at least 1.01 s";
    for (const PolicyKind kind :
         {PolicyKind::paper,
          PolicyKind::resource_aware,
          PolicyKind::greedy,
          PolicyKind::round_robin,
          PolicyKind::static_first}) {
        const Decision decision = make_policy(kind)->decide(problem);
        EXPECT_FALSE(decision.feasible) << name_of(kind);
        EXPECT_THAT(explanation_text(decision.why), HasSubstr(why)) << name_of(kind);
        EXPECT_THAT(explanation_text(decision.why), HasSubstr(" lacks ")) << name_of(kind);
    }
    problem.t_budget_s = 1.02;
    for (const PolicyKind kind : {PolicyKind::paper, PolicyKind::resource_aware}) {
        EXPECT_TRUE(make_policy(kind)->decide(problem).feasible) << name_of(kind);
    }
}

TEST(PaperScores, follow_the_execution_under_profile_physical) {
    // The worked example of docs/explanation/time.md#worked-example with 10^6 B of memory each: ffn
    // 49 152 FLOP, 98 560 B.
    const Blocks blocks(testing::example_shape());
    Problem problem;
    problem.blocks = &blocks;
    problem.snapshot = take_snapshot(testing::example_fleet(), 0, 0);
    for (Snapshot::Device& device : problem.snapshot.devices) {
        device.memory = 1'000'000;
    }
    problem.context = problem.rows = 9;
    PaperDraft draft(problem);
    draft.place(blocks.proj(0), kA); // 16 384 B
    EXPECT_THAT(Scores(problem).of(draft, blocks.ffn(0)), ElementsAre(98'560.0 / 983'616, 0.09856));
    // With memory out of the way: A computes 49 152/(10^9 − 8192); B receives 256 B over 8 Mbit/s
    // and 1 ms.
    for (Snapshot::Device& device : problem.snapshot.devices) {
        device.memory = 1'000'000'000'000;
    }
    EXPECT_THAT(
        Scores(problem).of(PaperDraft(problem), blocks.embed()),
        ElementsAre(
            DoubleEq(25'856e-12), DoubleEq(0.001004)
        ) // 100·64·4 + 256 B; the source's id to B
    );
    draft = PaperDraft(problem);
    draft.place(blocks.proj(0), kA);
    EXPECT_THAT(
        Scores(problem).of(draft, blocks.ffn(0)),
        ElementsAre(DoubleEq(49'152.0 / 999'991'808), DoubleEq(0.001256))
    );
    // Moving it from A to B: the same link, 98 560 B, over one token.
    problem.previous = Placement(blocks.size(), kA);
    EXPECT_DOUBLE_EQ(Scores(problem).of(draft, blocks.ffn(0))[1], 0.001256 + 0.09856 + 0.001);
}

TEST(PaperPolicyDecisions, are_feasible_or_have_a_reason) {
    int feasible = 0;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        Instance instance = seed % 2 == 0
                                ? wild_instance({.caps = seed % 3 == 0, .stalls = true}, seed)
                                : planted_instance(random_cell(seed), seed, CostProfile::paper);
        Problem& problem = instance.problem;
        problem.paper.score = seed % 4 < 2 ? PaperScore::max : PaperScore::weighted;
        problem.paper.backtracks = static_cast<std::int64_t>(seed % 7);
        const PaperPlacing placing = place_by_score(problem);
        EXPECT_LE(placing.evictions, problem.paper.backtracks) << "seed " << seed;
        const Decision decision = make_policy(PolicyKind::paper)->decide(problem);
        if (!decision.feasible) {
            EXPECT_THAT(explanation_text(decision.why), HasSubstr(" lacks ")) << "seed " << seed;
            continue;
        }
        ++feasible;
        EXPECT_TRUE(validate(problem, decision.placement).ok()) << "seed " << seed;
        if (problem.previous && validate(problem, *problem.previous).ok()) {
            EXPECT_LE(objective(problem, decision), objective(problem, *problem.previous))
                << "seed " << seed;
        }
    }
    EXPECT_GT(feasible, 150);
}

} // namespace
} // namespace headroom::scheduler
