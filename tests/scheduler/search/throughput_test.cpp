// Decisions for several sequences in flight, which minimise rounds instead of steps.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/core/validate.hpp"
#include "scheduler/cost/incumbent.hpp"
#include "scheduler/cost/round_cost.hpp"
#include "scheduler/cost/round_estimates.hpp"
#include "scheduler/cost/step_cost.hpp"
#include "scheduler/explain/explanation_text.hpp"
#include "scheduler/policies/registry.hpp"
#include "scheduler/search/batch_choice.hpp"
#include "scheduler/search/memory_headroom.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "scheduler/timing/program.hpp"
#include "scheduler/timing/round_prediction.hpp"
#include "tests/scheduler/instances/device_costs.hpp"
#include "tests/scheduler/instances/instances.hpp"

namespace headroom::scheduler {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Instance;
using ::testing::Not;

#ifdef NDEBUG
constexpr std::uint64_t kManyCells = 81; // all cells of the definition
#else
constexpr std::uint64_t kManyCells =
    6; // unoptimised and sanitised, a search takes forty times as long
#endif
constexpr bool kAllCells = kManyCells == 81; // fewer cells do not show how often something happens

/// Returns an instance of the definition, every second one sliced, with twice as many sequences as
/// devices.
Instance busy(std::uint64_t seed) {
    testing::InstanceShape shape = testing::cell_at(seed);
    shape.granularity = seed % 2 == 0 ? Granularity::paper : Granularity::sliced;
    shape.qk_norm = seed % 5 == 4 ? QkNorm::width : QkNorm::none; // every fifth has groups in parts
    Instance instance = testing::planted_instance(shape, seed);
    testing::put_in_flight(instance, 2 * shape.devices, seed);
    instance.problem.aim = Aim::throughput;
    return instance;
}

Problem for_latency(Problem problem) {
    problem.aim = Aim::latency;
    return problem;
}

Decision by(PolicyKind kind, const Problem& problem) {
    return decide(*make_policy(kind), problem);
}

TEST(Throughput, is_never_below_that_of_the_ring_or_of_the_placement_for_latency) {
    int better = 0;
    int ring_ahead = 0; // twins: neither placement would pass for the other
    int latency_ahead = 0;
    for (std::uint64_t seed = 0; seed < kManyCells; ++seed) {
        Instance instance = busy(seed);
        instance.problem.previous.reset();
        instance.problem.batch = static_cast<std::int64_t>(seed % 3); // left open, 1, 2
        const Decision ours = by(PolicyKind::resource_aware, instance.problem);
        const Decision ring = by(PolicyKind::ring, instance.problem);
        const Decision step = by(PolicyKind::resource_aware, for_latency(instance.problem));
        ASSERT_TRUE(ours.feasible) << "seed " << seed << ": " << explanation_text(ours.why);
        EXPECT_TRUE(validate(instance.problem, ours.placement).ok()) << "seed " << seed;
        EXPECT_EQ(ours.round, predict_rounds(instance.problem, ours.placement, ours.batch).round);
        EXPECT_LE(ours.round, ring.round) << "seed " << seed; // kNever if it is infeasible
        EXPECT_LE(ours.round, step.round) << "seed " << seed;
        EXPECT_THAT(explanation_text(ours.why), HasSubstr("per round of"));
        better += ours.round < std::min(ring.round, step.round) ? 1 : 0;
        ring_ahead += ring.round < step.round ? 1 : 0;
        latency_ahead += step.round < ring.round ? 1 : 0;
    }
    EXPECT_TRUE(better > static_cast<int>(kManyCells / 2) || !kAllCells);
    EXPECT_TRUE(ring_ahead > 0 || !kAllCells);
    EXPECT_TRUE(latency_ahead > 0 || !kAllCells);
}

/// On instances with ends, grouped queries, caps, any source, slices, and rates that are 0.
TEST(Throughput, is_valid_and_never_below_simple_answers_on_wild_instances) {
    int compared = 0;
    int endless = 0;
    for (std::uint64_t seed = 0; seed < kManyCells / 3; ++seed) {
        Instance instance = testing::wild_instance(
            {.caps = seed % 2 == 0, .stalls = seed % 4 == 3, .sliced = seed % 3 == 0}, seed
        );
        testing::put_in_flight(instance, 2 + static_cast<std::int64_t>(seed % 6), seed);
        Problem& problem = instance.problem;
        problem.aim = Aim::throughput;
        problem.batch = static_cast<std::int64_t>(seed % 3);
        const Decision ours = by(PolicyKind::resource_aware, problem);
        if (ours.feasible) {
            EXPECT_TRUE(validate(problem, ours.placement).ok()) << "seed " << seed;
        } else { // the old one does not fit any more, and nothing can be moved
            EXPECT_THAT(explanation_text(ours.why), HasSubstr("is down")) << "seed " << seed;
        }
        if (problem.previous && validate(problem, *problem.previous).ok()) {
            const Decision stay = evaluate_batched(problem, *problem.previous);
            EXPECT_LE(objective(problem, ours), objective(problem, stay)) << "seed " << seed;
            const bool never = ours.round == kNever || ours.migration == kNever;
            EXPECT_TRUE(!never || ours.placement == *problem.previous) << "seed " << seed;
            endless += never ? 1 : 0;
        }
        problem.previous.reset();
        const Decision first = by(PolicyKind::resource_aware, problem);
        ASSERT_TRUE(first.feasible) << "seed " << seed << ": " << explanation_text(first.why);
        const Decision ring = by(PolicyKind::ring, problem);
        const Decision step = by(PolicyKind::resource_aware, for_latency(problem));
        EXPECT_LE(first.round, ring.round) << "seed " << seed;
        EXPECT_LE(first.round, step.round) << "seed " << seed;
        compared += first.round < step.round ? 1 : 0;
    }
    EXPECT_TRUE(compared > 0 || !kAllCells);
    EXPECT_TRUE(endless > 0 || !kAllCells);
}

TEST(Throughput, weighs_migration_and_is_never_worse_than_staying) {
    int moved = 0;
    int kept = 0;
    int too_expensive = 0; // twin: without D_mig the decision would be another one
    for (std::uint64_t seed = 0; seed < kManyCells / 2; ++seed) {
        const Instance instance = busy(seed);
        const Problem& problem = instance.problem;
        if (!problem.previous) {
            continue;
        }
        const Decision ours = by(PolicyKind::resource_aware, problem);
        ASSERT_TRUE(ours.feasible) << "seed " << seed << ": " << explanation_text(ours.why);
        EXPECT_TRUE(validate(problem, ours.placement).ok()) << "seed " << seed;
        EXPECT_NEAR(
            objective(problem, ours),
            static_cast<double>(ours.migration + problem.interval * ours.round) / 1e9,
            1e-9
        );
        if (!validate(problem, *problem.previous).ok()) {
            continue;
        }
        const Decision stay = evaluate_batched(problem, *problem.previous);
        EXPECT_LE(objective(problem, ours), objective(problem, stay)) << "seed " << seed;
        const bool stays = ours.placement == *problem.previous;
        EXPECT_THAT(explanation_text(ours.why), HasSubstr(stays ? "kept" : "instead of"));
        moved += stays ? 0 : 1;
        kept += stays ? 1 : 0;
        Problem first = problem;
        first.previous.reset();
        too_expensive += by(PolicyKind::resource_aware, first).round < ours.round ? 1 : 0;
    }
    EXPECT_TRUE(moved > 0 || !kAllCells);
    EXPECT_TRUE(kept > 0 || !kAllCells);
    EXPECT_TRUE(too_expensive > 0 || !kAllCells);
}

TEST(Throughput, of_one_sequence_is_the_latency_of_a_step) {
    for (std::uint64_t seed = 0; seed < kManyCells / 3; ++seed) {
        Instance instance = testing::planted_instance(testing::cell_at(seed), seed);
        instance.problem.batch = 0;
        const Decision step = by(PolicyKind::resource_aware, instance.problem);
        instance.problem.aim = Aim::throughput;
        const Decision round = by(PolicyKind::resource_aware, instance.problem);
        EXPECT_EQ(round.placement, step.placement) << "seed " << seed;
        EXPECT_EQ(explanation_text(round.why), explanation_text(step.why));
        EXPECT_EQ(round.round, round.inference);
        EXPECT_EQ(round.batch, 1);
    }
}

TEST(Throughput, stays_within_the_memory_that_is_safe_if_it_moves) {
    int beyond = 0; // the twin
    int moved = 0;
    for (std::uint64_t seed = 0; seed < kManyCells / 3; ++seed) {
        Instance instance = busy(seed); // the planted placement fits the recent memory
        for (Snapshot::Device& device : instance.problem.snapshot.devices) {
            instance.problem.safe_memory.push_back(device.memory);
            device.memory += device.memory / 2;
        }
        const Problem poorer = *cautious(instance.problem, Risk::none);
        const Decision ours = by(PolicyKind::resource_aware, instance.problem);
        ASSERT_TRUE(ours.feasible);
        if (ours.placement != instance.problem.previous) {
            ++moved;
            EXPECT_TRUE(validate(poorer, ours.placement).ok()) << "seed " << seed;
        }
        const Decision bold = by(PolicyKind::resource_aware, careless(instance.problem));
        beyond += validate(poorer, bold.placement).ok() ? 0 : 1;
    }
    EXPECT_TRUE(beyond > 0 || !kAllCells);
    EXPECT_TRUE(moved > 0 || !kAllCells);
}

TEST(Throughput, has_no_proof_by_policy_exact) {
    Instance instance = busy(0);
    instance.problem.previous.reset();
    const Decision step = by(PolicyKind::exact, for_latency(instance.problem));
    EXPECT_TRUE(step.proven);
    EXPECT_THAT(explanation_text(step.why), Not(HasSubstr("nothing is proven")));
    const Decision ours = by(PolicyKind::exact, instance.problem);
    EXPECT_EQ(ours.placement, step.placement);
    EXPECT_EQ(ours.round, predict_rounds(instance.problem, ours.placement, 1).round);
    EXPECT_FALSE(ours.proven);
    EXPECT_EQ(ours.bound, 0.0);
    EXPECT_THAT(explanation_text(ours.why), HasSubstr("nothing is proven of a round of 6"));
}

TEST(Throughput, by_the_papers_formulas_is_their_delay_of_one_step) {
    Instance instance = testing::planted_instance(testing::cell_at(4), 4, CostProfile::paper);
    testing::put_in_flight(instance, 5, 4);
    const Decision step = by(PolicyKind::resource_aware, instance.problem);
    instance.problem.aim = Aim::throughput;
    EXPECT_EQ(by(PolicyKind::resource_aware, instance.problem).placement, step.placement);
}

/// The decision of every policy has the best number of joined turns for its placement.
TEST(Batches, are_the_best_for_every_policys_placement) {
    std::set<std::int64_t> chosen;
    for (std::uint64_t seed = 0; seed < kManyCells / 5; ++seed) {
        Instance instance = busy(seed);
        instance.problem.previous.reset();
        instance.problem.node_limit = 100;
        if (seed % 2 == 1) { // passes over the weights take most of the time, so joining pays
            for (Snapshot::Device& device : instance.problem.snapshot.devices) {
                device.memory_bandwidth = device.compute / 8;
            }
        }
        for (const std::string_view name : policies_for_any_problem()) {
            if (name == "paper" && instance.blocks->sliced()) {
                continue;
            }
            const PolicyKind kind = *policy_named(name);
            instance.problem.batch = 3;
            const Decision fixed = by(kind, instance.problem);
            instance.problem.batch = 0;
            const Decision open = by(kind, instance.problem);
            ASSERT_EQ(fixed.feasible, open.feasible) << name;
            if (!open.feasible) {
                continue;
            }
            EXPECT_EQ(fixed.batch, 3) << name << " seed " << seed;
            EXPECT_EQ(fixed.round, predict_rounds(instance.problem, fixed.placement, 3).round)
                << name;
            for (const std::int64_t batch : batches_of(instance.problem)) {
                const Nanoseconds round =
                    predict_rounds(instance.problem, open.placement, batch).round;
                EXPECT_LE(open.round, round) << name << " seed " << seed << " batch " << batch;
                EXPECT_TRUE(round > open.round || batch >= open.batch) << "of equals the smallest";
            }
            chosen.insert(open.batch);
        }
    }
    EXPECT_TRUE(chosen.size() > 1U || !kAllCells); // twin: no number is the best for all
}

/// A ring whose devices must read their weights for each turn, so that joining pays.
Problem with_prompts_ahead(Instance& instance, std::int64_t left) {
    Problem problem = instance.problem;
    problem.previous.reset();
    problem.batch = 0;
    for (Snapshot::Device& device : problem.snapshot.devices) {
        device.memory_bandwidth = device.compute / 8;
    }
    for (InFlight& sequence : problem.sequences) {
        sequence.prompt = {0, left, 2 * left};
    }
    return problem;
}

TEST(Prompts, pending_ones_count_in_decisions) {
    int fewer = 0;
    int other = 0;
    for (std::uint64_t seed = 0; seed < kManyCells / 3; ++seed) {
        Instance instance = busy(seed);
        const Problem with = with_prompts_ahead(instance, 24);
        const Problem without = with_prompts_ahead(instance, 0);
        const Decision ring = by(PolicyKind::ring, with);
        const Decision ours = by(PolicyKind::resource_aware, with);
        const Decision steady = by(PolicyKind::resource_aware, without);
        ASSERT_TRUE(ours.feasible && steady.feasible) << "seed " << seed;
        EXPECT_GT(ours.prompts, 0) << "seed " << seed;
        EXPECT_EQ(steady.prompts, 0) << "seed " << seed;
        EXPECT_LE(steady.round, ours.round) << "seed " << seed;
        if (ring.feasible) {
            EXPECT_LE(objective(with, ours), objective(with, ring)) << "seed " << seed;
            EXPECT_LE(ours.round, ring.round) << "nothing wins by its prompts alone";
        }
        EXPECT_THAT(explanation_text(ours.why), HasSubstr("with a share of the prompts"));
        EXPECT_THAT(explanation_text(steady.why), Not(HasSubstr("prompts")));
        // The twins: who does not reckon with prompts decides otherwise, and worse.
        Decision blind = evaluate(with, steady.placement, steady.batch);
        other += objective(with, ours) < objective(with, blind) ? 1 : 0;
        fewer += ours.batch < steady.batch ? 1 : 0;
    }
    EXPECT_TRUE(other > 0 || !kAllCells) << other;
    EXPECT_TRUE(fewer > 0 || !kAllCells) << fewer;
}

TEST(Batches, candidates_are_powers_of_two_and_all_sequences) {
    Problem problem;
    problem.sequences.resize(6);
    EXPECT_THAT(batches_of(problem), ElementsAre(1));
    problem.batch = 0;
    EXPECT_THAT(batches_of(problem), ElementsAre(1, 2, 4, 6));
    problem.batch = 8;
    EXPECT_THAT(batches_of(problem), ElementsAre(6));
    problem.sequences.resize(8);
    problem.batch = 0;
    EXPECT_THAT(batches_of(problem), ElementsAre(1, 2, 4, 8));
}

struct Guesses {
    double bound = 0;
    double rehearsed = 0;
    double step = 0;
    double walked = 0;
};

Guesses guess(const Problem& problem, const Placement& placement, std::int64_t batch) {
    RoundModel model(problem, batch);
    const Incumbent incumbent(problem, model.step(), placement);
    return {
        model.bound(incumbent).round,
        guess_rounds(problem, placement, {batch}).front().round,
        static_cast<double>(incumbent.inference()),
        static_cast<double>(predict_rounds(problem, placement, batch).round)};
}

TEST(RoundModel, estimates_rounds_of_any_placement_close_to_the_timeline) {
    int all = 0;
    int close = 0;
    int above = 0;
    int loose = 0; // twins: estimates by a step or by the bound are worse
    int step_only = 0;
    for (std::uint64_t seed = 0; seed < kManyCells; ++seed) {
        Instance instance = busy(seed);
        const Placement placement =
            seed % 3 == 0 ? instance.planted : testing::random_placement_for(instance, seed);
        const std::int64_t batch = seed % 4 == 0 ? 2 : 1; // a divisor of the sequences
        const Guesses got = guess(instance.problem, placement, batch);
        ++all;
        close += std::abs(got.rehearsed / got.walked - 1) < 0.02 ? 1 : 0;
        above += got.bound > got.walked * 1.01 ? 1 : 0;
        loose += got.bound < got.walked * 0.95 ? 1 : 0;
        step_only += got.step < got.walked * 0.95 ? 1 : 0;
    }
    EXPECT_GE(close, all * 19 / 20);
    EXPECT_LE(above, all / 20);
    EXPECT_TRUE(step_only > all / 2 || !kAllCells);
    EXPECT_TRUE(loose > all / 10 || !kAllCells);
}

/// What the programs of one step of a batch keep busy.
struct BusyTimes {
    std::vector<double> devices;                           ///< with the handling of messages
    std::map<std::pair<DeviceId, DeviceId>, double> links; ///< or the media of their ends
};

BusyTimes busy_times(const Problem& problem, const Placement& placement, std::int64_t batch) {
    const Blocks& blocks = *problem.blocks;
    const SnapshotRates rates(problem.snapshot);
    const std::vector<Program> programs = lower(
        blocks, placement, problem.source, problem.snapshot.size(), medium_of(problem.snapshot)
    );
    BusyTimes times{std::vector<double>(programs.size(), 0), {}};
    for (std::size_t i = 0; i < programs.size(); ++i) {
        const DeviceId d(i);
        Nanoseconds busy = 0;
        for (const Instruction& now : programs[i]) {
            if (now.code == OpCode::compute) {
                OperationCost cost;
                for (std::int64_t sequence = 0; sequence < batch; ++sequence) {
                    cost.add(blocks, now.block, problem.horizon() - 1, 1, now.work);
                }
                busy += now.starts_stage ? rates.operation_overhead(d) : 0;
                busy += rates.operation(d, 0, cost);
            } else {
                busy += batch * rates.message_overhead(d);
            }
            const bool id = now.payload == Payload::token || now.payload == Payload::sampled;
            if (now.code == OpCode::send && !id) { // ids are too short to count
                const Bytes bytes = batch * now.bytes_per_token;
                times.links[{d, now.peer}] += static_cast<double>(std::max(
                    rates.link(d, now.peer, 0, bytes),
                    rates.media(d, now.peer, 0, bytes, now.shares)
                ));
            }
        }
        times.devices[i] = static_cast<double>(busy);
    }
    return times;
}

/// Returns a busy instance whose sequences all have one context, with costs of real devices.
Instance busy_with_costs(std::uint64_t seed, const testing::DeviceCosts& costs) {
    Instance instance = busy(seed);
    for (InFlight& sequence : instance.problem.sequences) {
        sequence.context = instance.problem.context;
    }
    testing::add_device_costs(instance.problem, costs, seed);
    return instance;
}

TEST(RoundModel, is_bounded_by_what_programs_keep_busy) {
    int by_link = 0;
    int by_device = 0;
    for (std::uint64_t seed = 0; seed < 2 * kManyCells; ++seed) {
        const auto costs = testing::DeviceCosts::choice(seed / 2 % 16);
        const Instance instance = busy_with_costs(seed, costs);
        const Problem& problem = instance.problem;
        const Placement placement = testing::random_placement_for(instance, seed);
        const std::int64_t batch = seed % 3 == 0 ? 2 : 1;
        RoundModel model(problem, batch);
        const Incumbent incumbent(problem, model.step(), placement);
        const RoundModel::Estimate bound = model.bound(incumbent);
        const double batches =
            static_cast<double>(problem.in_flight()) / static_cast<double>(batch);
        const BusyTimes times = busy_times(problem, placement, batch);
        double expected = static_cast<double>(incumbent.inference());
        for (std::size_t d = 0; d < times.devices.size(); ++d) {
            EXPECT_NEAR(model.busy(d), batches * times.devices[d], 1e-6 * model.busy(d))
                << "seed " << seed;
            expected = std::max(expected, batches * times.devices[d]);
        }
        for (const auto& [link, time] : times.links) {
            expected = std::max(expected, batches * time);
        }
        EXPECT_NEAR(bound.round, expected, 1e-6 * expected) << "seed " << seed;
        by_link += bound.limit == RoundModel::Limit::link ? 1 : 0;
        by_device += bound.limit == RoundModel::Limit::device ? 1 : 0;
    }
    EXPECT_TRUE((by_link > 10 && by_device > 10) || !kAllCells);
}

TEST(RoundModel, estimates_rounds_with_costs_of_real_devices_close_to_the_timeline) {
    int all = 0;
    int close = 0;
    int above = 0;
    for (std::uint64_t seed = 0; seed < kManyCells; ++seed) {
        const Instance instance =
            busy_with_costs(seed, testing::DeviceCosts::choice(1 + seed % 15));
        const Placement placement =
            seed % 3 == 0 ? instance.planted : testing::random_placement_for(instance, seed);
        const std::int64_t batch = seed % 4 == 0 ? 2 : 1;
        const Guesses got = guess(instance.problem, placement, batch);
        ++all;
        close += std::abs(got.rehearsed / got.walked - 1) < 0.03 ? 1 : 0;
        above += got.bound > got.walked * 1.01 ? 1 : 0;
    }
    EXPECT_GE(close, all * 9 / 10);
    EXPECT_LE(above, all / 20);
}

TEST(RoundEstimates, shared_by_placements_equal_those_of_each_alone) {
    int different = 0; // twin: the estimates of different placements differ
    for (std::uint64_t seed = 0; seed < kManyCells / 3; ++seed) {
        Instance instance =
            seed % 2 == 0 ? busy(seed) : testing::wild_instance({.caps = true}, seed);
        testing::put_in_flight(instance, 5, seed);
        instance.problem.batch = 0;
        const std::vector<std::int64_t> batches = batches_of(instance.problem);
        RoundEstimates shared(instance.problem, batches);
        double before = 0;
        for (const std::uint64_t draw : {seed, seed + 1, seed}) {
            const Placement placement = testing::random_placement_for(instance, draw);
            const std::vector<RoundEstimate> got = shared.of(placement);
            const std::vector<RoundEstimate> alone =
                guess_rounds(instance.problem, placement, batches);
            ASSERT_EQ(got.size(), batches.size());
            for (std::size_t i = 0; i < got.size(); ++i) {
                EXPECT_EQ(got[i].round, alone[i].round) << "seed " << seed;
                EXPECT_EQ(got[i].batch, alone[i].batch) << "seed " << seed;
            }
            different += got.front().round != before ? 1 : 0;
            before = got.front().round;
        }
    }
    EXPECT_GT(different, static_cast<int>(kManyCells / 3));
}

TEST(Incumbent, copied_for_another_step_delay_equals_a_new_one) {
    for (std::uint64_t seed = 0; seed < kManyCells / 3; ++seed) {
        const Instance instance = busy(seed);
        const Placement placement = testing::random_placement_for(instance, seed);
        const StepDelay one(instance.problem, 1);
        const StepDelay three(instance.problem, 3);
        const Incumbent first(instance.problem, one, placement);
        const Incumbent again(first, three);
        const Incumbent fresh(instance.problem, three, placement);
        EXPECT_EQ(again.inference(), fresh.inference()) << "seed " << seed;
        EXPECT_NE(again.inference(), first.inference()) << "seed " << seed;
        EXPECT_EQ(again.migration(), fresh.migration()) << "seed " << seed;
        EXPECT_EQ(again.score().objective, fresh.score().objective) << "seed " << seed;
        for (std::size_t l = 0; l < fresh.layers(); ++l) {
            EXPECT_EQ(again.layer_time(l), fresh.layer_time(l)) << "seed " << seed;
            EXPECT_EQ(again.until_proj(l), fresh.until_proj(l)) << "seed " << seed;
        }
    }
}

/// On a ring the bound is the formula of docs/explanation/ring-pipelines.md#steady-state, and the
/// simulated round equals it.
TEST(RoundModel, of_a_ring_is_the_published_formula) {
    int rings = 0;
    for (std::uint64_t seed = 0; seed < kManyCells; ++seed) {
        Instance instance = busy(seed);
        instance.problem.previous.reset();
        const Decision ring = by(PolicyKind::ring, instance.problem);
        if (!ring.feasible) {
            continue;
        }
        ++rings;
        const Guesses got = guess(instance.problem, ring.placement, 1);
        EXPECT_NEAR(got.bound / got.walked, 1.0, 0.02) << "seed " << seed;
        EXPECT_NEAR(got.rehearsed / got.walked, 1.0, 0.02) << "seed " << seed;
    }
    EXPECT_TRUE(rings > static_cast<int>(kManyCells / 4) || !kAllCells);
}

} // namespace
} // namespace headroom::scheduler
