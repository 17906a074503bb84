// Cost profile `paper` in the ledger, in the costs of steps and in the planning of layers, and the
// decisions of all policies under it.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "scheduler/construct/spread_paper.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/cost/incumbent.hpp"
#include "scheduler/cost/memory_ledger.hpp"
#include "scheduler/explain/explanation_text.hpp"
#include "scheduler/explain/infeasibility.hpp"
#include "scheduler/policies/registry.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "tests/scheduler/instances/instances.hpp"

namespace headroom::scheduler {
namespace {

using ::testing::HasSubstr;
using testing::Instance;
using testing::planted_instance;
using testing::random_cell;
using testing::random_placement_for;
using testing::wild_instance;

#ifdef NDEBUG
constexpr std::uint64_t kPaperScale = 1;
#else
constexpr std::uint64_t kPaperScale = 10; // a search takes forty times as long
#endif

/// Returns a wild instance under cost profile `paper`. Memory and T_budget are a little more than
/// the planted placement needs.
Instance wild_paper_instance(std::uint64_t seed, bool stalls) {
    Instance instance = wild_instance({.caps = true, .stalls = stalls}, seed);
    Random random(stream_seed(seed, "paper"));
    Problem& problem = instance.problem;
    problem.cost_profile = CostProfile::paper;
    problem.prompt = static_cast<std::int64_t>(random.below(300)); // sometimes more than T + λ
    problem.weights_everywhere = random.below(2) == 0;
    problem.paper.gather = random.below(2) == 0 ? PaperGather::sum : PaperGather::max;
    for (Snapshot::Device& device : problem.snapshot.devices) {
        device.memory = static_cast<Bytes>(random.below(50'000));
    }
    const Blocks& blocks = *instance.blocks;
    std::vector<double> seconds(
        static_cast<std::size_t>(blocks.shape().layers) * problem.snapshot.size(), 0.0
    );
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const BlockId b(i);
        const std::size_t d = instance.planted[i].index();
        Snapshot::Device& device = problem.snapshot.devices[d];
        device.memory += paper_memory(blocks, b, problem.paper_cost_length());
        device.compute = std::max<PerSecond>(device.compute, 1'000'000); // not 0
        if (blocks.name(b).layer >= 0) {
            const auto layer = static_cast<std::size_t>(blocks.name(b).layer);
            seconds[layer * problem.snapshot.size() + d] +=
                static_cast<double>(paper_compute(blocks, b, problem.paper_cost_length())) /
                static_cast<double>(device.compute);
        }
    }
    problem.t_budget_s = 1.001 * *std::max_element(seconds.begin(), seconds.end());
    return instance;
}

TEST(PaperLedger, agrees_with_validate_about_memory_and_compute) {
    int overloaded = 0;
    for (std::uint64_t seed = 0; seed < 400; ++seed) {
        Instance instance = wild_paper_instance(seed, false);
        Problem& problem = instance.problem;
        EXPECT_EQ(Ledger(problem, instance.planted).shortage(), 0) << "seed " << seed;
        EXPECT_FALSE(is_provably_infeasible(problem)) << "seed " << seed;
        const Placement placement = random_placement_for(instance, seed + 9);
        const Ledger ledger(problem, placement);
        const Verdict verdict = validate(problem, placement);
        EXPECT_EQ(ledger.shortage() == 0, verdict.ok()) << "seed " << seed;
        Bytes missing = 0;
        for (const Shortage& shortage : verdict.shortages) {
            EXPECT_EQ(ledger.used(shortage.device), shortage.needed) << "seed " << seed;
            missing += shortage.needed - shortage.budget;
        }
        const bool compute = verdict.problems.size() > verdict.shortages.size();
        EXPECT_EQ(ledger.shortage() > missing, compute) << "seed " << seed;
        overloaded += compute ? 1 : 0;
        const std::vector<AnyShortage> shortages = shortages_of(problem, placement);
        const bool explained = std::any_of(shortages.begin(), shortages.end(), [](const auto& s) {
            return std::holds_alternative<ComputeShortage>(s);
        });
        EXPECT_EQ(explained, compute) << "seed " << seed;
    }
    EXPECT_GT(overloaded, 100);
}

TEST(PaperLedger, sees_a_single_flop_too_much) {
    Instance instance = planted_instance({}, 3, CostProfile::paper);
    Problem& problem = instance.problem;
    const DeviceId d = instance.planted[0];
    const Flops load = Ledger(problem, instance.planted).load(0, d);
    problem.t_budget_s = 1.0;
    for (Snapshot::Device& device : problem.snapshot.devices) {
        device.compute = kUnlimited;
    }
    problem.snapshot.devices[d.index()].compute = load;
    EXPECT_EQ(Ledger(problem, instance.planted).shortage(), 0);
    problem.snapshot.devices[d.index()].compute = load - 1;
    EXPECT_EQ(Ledger(problem, instance.planted).shortage(d), 1); // rounded up to a byte
    EXPECT_FALSE(validate(problem, instance.planted).ok());
}

TEST(PaperLedger, is_unchanged_after_a_block_returns) {
    Instance instance = wild_paper_instance(11, false);
    Ledger ledger(instance.problem, random_placement_for(instance, 1));
    const Bytes before = ledger.shortage();
    const BlockId b = instance.blocks->group(0, 0);
    const DeviceId d = ledger.where(b);
    for (std::size_t to = 0; to < ledger.devices(); ++to) {
        static_cast<void>(ledger.fits(b, DeviceId(to)));
        ledger.place(b, DeviceId(to));
    }
    ledger.remove(b);
    ledger.place(b, d);
    EXPECT_EQ(ledger.shortage(), before);
}

/// Returns whether two times are equal but for half a nanosecond of rounding per block and message.
/// A time of kStall or more stands for an infinite one.
bool close(Nanoseconds t, double seconds, std::size_t blocks) {
    if (t >= kStall || std::isinf(seconds)) {
        return t >= kStall && std::isinf(seconds);
    }
    const double ns = seconds * 1e9;
    return std::abs(static_cast<double>(t) - ns) <= static_cast<double>(blocks) + 1e-9 * ns;
}

/// Returns how the delays of a incumbent differ from those of the formula, or "".
std::string difference(const Problem& problem, const Incumbent& incumbent) {
    const Decision exact = evaluate(problem, incumbent.placement());
    if (!close(incumbent.inference(), exact.paper_delay_s, problem.blocks->size())) {
        return fmt::format("D_T {} ns instead of {} s", incumbent.inference(), exact.paper_delay_s);
    }
    if (!close(incumbent.migration(), exact.paper_migration_s, problem.blocks->size())) {
        return fmt::format(
            "D_mig {} ns instead of {} s", incumbent.migration(), exact.paper_migration_s
        );
    }
    return "";
}

TEST(PaperIncumbent, equals_the_formula_up_to_rounding) {
    for (std::uint64_t seed = 0; seed < 600 / kPaperScale; ++seed) {
        const Instance instance = wild_paper_instance(seed, seed % 2 == 0);
        const StepDelay step(instance.problem);
        Incumbent incumbent(instance.problem, step, random_placement_for(instance, seed + 1));
        ASSERT_EQ(difference(instance.problem, incumbent), "") << "seed " << seed;
        Random random(stream_seed(seed, "changes"));
        for (int k = 0; k < 6; ++k) {
            const auto b = static_cast<std::size_t>(random.below(instance.blocks->size()));
            const auto d = static_cast<std::size_t>(random.below(instance.problem.snapshot.size()));
            incumbent.attempt(std::vector<Relocation>{{BlockId(b), DeviceId(d)}});
            ASSERT_EQ(difference(instance.problem, incumbent), "") << "seed " << seed;
            if (k % 2 == 0) {
                incumbent.undo();
                ASSERT_EQ(difference(instance.problem, incumbent), "")
                    << "seed " << seed << ", undo";
            }
        }
    }
}

TEST(PaperIncumbent, comparison_sees_a_single_changed_rate) {
    int seen = 0;
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        const Instance instance = planted_instance(random_cell(seed), seed, CostProfile::paper);
        Problem slower = instance.problem;
        for (Snapshot::Device& device : slower.snapshot.devices) {
            device.compute -= device.compute / 100'000;
        }
        const StepDelay step(slower);
        const Incumbent incumbent(instance.problem, step, instance.planted);
        seen += difference(instance.problem, incumbent).empty() ? 0 : 1;
    }
    EXPECT_EQ(seen, 50);
}

/// Returns the least objective over all counts within the limits, or kNever if none is possible.
Nanoseconds least_spread(
    const StepDelay& step,
    std::size_t proj,
    const std::vector<std::int32_t>& caps,
    std::vector<std::int32_t>& counts,
    std::size_t d,
    std::int32_t left
) {
    if (d + 1 == caps.size()) {
        counts[d] = left;
        return left > caps[d] ? kNever : step.until_proj(0, 0, {counts.data(), proj, proj});
    }
    Nanoseconds least = kNever;
    for (counts[d] = 0; counts[d] <= std::min(caps[d], left);) {
        const std::int32_t here = counts[d];
        least = std::min(least, least_spread(step, proj, caps, counts, d + 1, left - here));
        counts[d] = here + 1;
    }
    return least;
}

TEST(SpreadByFormula, is_the_best_of_all) {
    int impossible = 0;
    for (std::uint64_t seed = 0; seed < 400; ++seed) {
        testing::InstanceShape cell = random_cell(seed);
        cell.heads = 4 + static_cast<std::int32_t>(seed % 5);
        cell.devices = 3;
        Instance instance = planted_instance(cell, seed, CostProfile::paper);
        instance.problem.paper.gather = seed % 2 == 0 ? PaperGather::sum : PaperGather::max;
        const StepDelay step(instance.problem);
        Random random(stream_seed(seed, "caps"));
        std::vector<std::int32_t> caps;
        for (int d = 0; d < 3; ++d) {
            caps.push_back(static_cast<std::int32_t>(random.below(8)));
        }
        const auto proj = static_cast<std::size_t>(random.below(3));
        const std::vector<std::int32_t> spread = spread_by_formula(step, 0, proj, caps, cell.heads);
        std::vector<std::int32_t> counts(3);
        const Nanoseconds least = least_spread(step, proj, caps, counts, 0, cell.heads);
        ASSERT_EQ(spread.empty(), least == kNever) << "seed " << seed;
        if (spread.empty()) {
            ++impossible;
            continue;
        }
        // A message of n outputs is rounded once, n messages of one output n times.
        const Nanoseconds ours = step.until_proj(0, 0, {spread.data(), proj, proj});
        EXPECT_GE(ours, least);
        EXPECT_LE(ours, least + cell.heads) << "seed " << seed;
    }
    EXPECT_GT(impossible, 10);
}

constexpr PolicyKind kAll[] = {
    PolicyKind::resource_aware,
    PolicyKind::greedy,
    PolicyKind::round_robin,
    PolicyKind::static_first,
    PolicyKind::paper,
};

TEST(PaperProfile, is_respected_by_all_policies) {
    std::vector<int> answered(std::size(kAll), 0);
    constexpr std::uint64_t kSeeds = 100 / kPaperScale;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
        const Instance instance = wild_paper_instance(seed, false);
        const Problem& problem = instance.problem;
        const bool ends = instance.blocks->shape().has_ends;
        for (std::size_t i = 0; i < std::size(kAll); ++i) {
            const Decision decision = make_policy(kAll[i])->decide(problem);
            if (!decision.feasible) {
                EXPECT_THAT(explanation_text(decision.why), HasSubstr(" lacks "))
                    << "seed " << seed;
                continue;
            }
            ++answered[i];
            EXPECT_TRUE(validate(problem, decision.placement).ok())
                << name_of(kAll[i]) << " seed " << seed;
            const Placement start(problem.blocks->size(), problem.source);
            const bool stay = problem.previous && !problem.ends_at_source;
            const Placement& before = stay ? *problem.previous : start;
            EXPECT_TRUE(!ends || decision.placement.front() == before.front());
            EXPECT_TRUE(!ends || decision.placement.back() == before.back());
        }
    }
    // The planted placement fits.
    EXPECT_EQ(answered[0], static_cast<int>(kSeeds));
}

TEST(PaperProfile, resource_aware_is_never_worse_than_the_other_policies) {
    constexpr double kRounding = 1 + 1e-6; // the search compares nanoseconds
    for (std::uint64_t seed = 0; seed < 60 / kPaperScale; ++seed) {
        const Instance instance = planted_instance(random_cell(seed), seed, CostProfile::paper);
        const Problem& problem = instance.problem;
        const Decision ours = make_policy(PolicyKind::resource_aware)->decide(problem);
        ASSERT_TRUE(ours.feasible) << "seed " << seed << ": " << explanation_text(ours.why);
        for (const PolicyKind other : kAll) {
            const Decision theirs = make_policy(other)->decide(problem);
            EXPECT_TRUE(
                !theirs.feasible ||
                objective(problem, ours) <= objective(problem, theirs) * kRounding
            ) << "seed "
              << seed;
        }
        if (problem.previous) {
            EXPECT_LE(objective(problem, ours), objective(problem, *problem.previous));
        }
        EXPECT_LE(objective(problem, ours), objective(problem, instance.planted) * kRounding);
    }
}

TEST(PaperProfile, resource_aware_is_near_the_optimum_of_tiny_instances) {
    double sum = 0.0;
    double worst = 1.0;
    int count = 0;
    for (std::uint64_t seed = 0; seed < 120 / kPaperScale; ++seed) {
        testing::InstanceShape cell = random_cell(seed);
        cell.devices = 2 + static_cast<std::int32_t>(seed % 2);
        cell.layers = 1;
        cell.heads = 2 + static_cast<std::int32_t>(seed / 2 % 3);
        const Instance instance = planted_instance(cell, seed, CostProfile::paper);
        const Decision ours = make_policy(PolicyKind::resource_aware)->decide(instance.problem);
        ASSERT_TRUE(ours.feasible) << "seed " << seed << ": " << explanation_text(ours.why);
        const double best = testing::optimum(instance.problem);
        const double ratio = objective(instance.problem, ours) / best;
        ASSERT_GE(ratio, 1.0) << "seed " << seed;
        sum += ratio;
        worst = std::max(worst, ratio);
        ++count;
    }
    EXPECT_LE(sum / count, 1.001);
    EXPECT_LE(worst, 1.05);
}

TEST(PaperProfile, names_the_t_budget_that_a_large_model_needs) {
    // Llama-2-7B at T + λ = 4096: ffn 8·4096·4096² = 549 755 813 888 FLOP, on 50 GFLOP/s 11 s.
    ModelShape shape;
    shape.layers = 32;
    shape.heads = shape.kv_heads = 32;
    shape.width = 4096;
    shape.ffn_width = 11'008;
    shape.vocabulary = 32'000;
    shape.context = 4096;
    shape.layer_types.assign(32, LayerTypes::all(WeightType::q8_0));
    const Blocks blocks(shape);
    Problem problem;
    problem.blocks = &blocks;
    problem.cost_profile = CostProfile::paper;
    problem.prompt = 64;
    problem.context = 4080;
    problem.interval = 16;
    Snapshot::Device device;
    device.compute = 50'000'000'000;
    device.memory = Bytes{1} << 40;
    problem.snapshot.devices.assign(4, device);
    problem.snapshot.links.assign(16, {125'000'000, 1'000'000});
    for (const PolicyKind kind : kAll) {
        const Decision decision = make_policy(kind)->decide(problem);
        EXPECT_FALSE(decision.feasible);
        EXPECT_THAT(
            explanation_text(decision.why),
            HasSubstr("no device can compute ffn within t_budget = 1 s: it needs 550 GFLOP at "
                      "context 4096, and the fastest, device 0, does 50 GFLOP; it needs a "
                      "t_budget of at least 11.1 s")
        ) << name_of(kind);
    }
    problem.t_budget_s = 11.1;
    const Decision decision = make_policy(PolicyKind::resource_aware)->decide(problem);
    EXPECT_TRUE(decision.feasible) << explanation_text(decision.why);
    EXPECT_TRUE(validate(problem, decision.placement).ok());
}

} // namespace
} // namespace headroom::scheduler
