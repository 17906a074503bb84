// Policies that place whole layers, compared with enumeration and with examples computed by hand.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/construct/layer_placement.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/cost/layer_costs.hpp"
#include "scheduler/cost/layer_migration_cost.hpp"
#include "scheduler/cost/message_cost.hpp"
#include "scheduler/explain/explanation_text.hpp"
#include "scheduler/layers/shard_chain.hpp"
#include "scheduler/policies/registry.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "scheduler/timing/timeline.hpp"
#include "tests/scheduler/instances/device_costs.hpp"
#include "tests/scheduler/instances/instances.hpp"
#include "tests/scheduler/policies/layer_splits.hpp"

namespace headroom::scheduler {
namespace {

using testing::decision_of;
using ::testing::HasSubstr;
using testing::Instance;
using testing::LayerDevices;
using testing::placement_of_layers;
using testing::planted_instance;
using testing::wild_instance;

#ifdef NDEBUG
constexpr std::uint64_t kManyLayered = 300;
#else
constexpr std::uint64_t kManyLayered = 40;
#endif

/// Adds costs of real devices from seed kManyLayered on, all choices in turn.
void add_costs_to_later_seeds(Problem& problem, std::uint64_t seed) {
    if (seed >= kManyLayered) {
        const auto costs = testing::DeviceCosts::choice((seed - kManyLayered) % 16);
        testing::add_device_costs(problem, costs, seed);
    }
}

/// Returns a wild instance without a previous placement. Each device has about as much memory as
/// some assignment of whole layers needs.
Instance layered(std::uint64_t seed, bool caps) {
    Instance instance =
        wild_instance({.caps = caps, .stalls = false, .sliced = seed % 4 == 3}, seed);
    Problem& problem = instance.problem;
    add_costs_to_later_seeds(problem, seed);
    problem.previous.reset();
    const std::size_t n = problem.snapshot.size();
    const std::size_t layers = problem.blocks->shape().layer_types.size();
    LayerDevices devices;
    for (std::size_t l = 0; l < layers; ++l) {
        const std::size_t at = (problem.source.index() + l * std::min(n, layers) / layers) % n;
        devices.push_back(DeviceId(at));
    }
    const Placement placement = placement_of_layers(problem, devices);
    for (Snapshot::Device& device : problem.snapshot.devices) {
        device.memory = 0;
    }
    const std::vector<Shortage> needs = validate(problem, placement).shortages;
    Bytes largest = 0;
    for (const Shortage& need : needs) {
        largest = std::max(largest, need.needed);
    }
    for (std::size_t d = 0; d < n; ++d) {
        problem.snapshot.devices[d].memory = (seed + d) % 3 == 0 ? largest / 2 : largest;
    }
    if (seed % 8 == 5) { // often no placement fits
        return instance;
    }
    for (const Shortage& need : needs) {
        Bytes& memory = problem.snapshot.devices[need.device.index()].memory;
        memory = std::max(memory, need.needed);
    }
    return instance;
}

std::vector<DeviceId> all_hosts(const Problem& problem) {
    std::vector<DeviceId> devices{problem.source};
    for (std::size_t d = 0; d < problem.snapshot.size(); ++d) {
        if (DeviceId(d) != problem.source) {
            devices.push_back(DeviceId(d));
        }
    }
    return devices;
}

TEST(LayerCosts, add_up_to_what_the_timeline_predicts) {
    for (std::uint64_t seed = 0; seed < 2 * kManyLayered; ++seed) {
        Instance instance =
            wild_instance({.caps = seed % 2 == 0, .stalls = false, .sliced = seed % 3 == 0}, seed);
        add_costs_to_later_seeds(instance.problem, seed);
        const Problem& problem = instance.problem;
        const LayerCosts costs(problem, all_hosts(problem));
        LayerDevices devices;
        Nanoseconds time = 0;
        std::size_t from = 0;
        for (std::size_t l = 0; l < costs.layers(); ++l) {
            const std::size_t j = (seed / 7 * (l + 1) + l) % costs.devices();
            time += j == from ? costs.time_alone(l, l + 1, j) : costs.time_after_hop(l, from, j);
            devices.push_back(costs.device(j));
            from = j;
        }
        time += costs.finish(from);
        const Nanoseconds predicted = predict_inference(
            *problem.blocks,
            placement_of_layers(problem, devices),
            problem.snapshot,
            problem.source,
            problem.horizon()
        );
        EXPECT_EQ(time, predicted) << "seed " << seed;
        // Twin: one layer more changes the sum.
        EXPECT_NE(time + costs.time_alone(0, 1, 0) + 1, predicted);
    }
}

/// Layers of an instance and a previous placement, whose migration LayerMoves times.
struct Migrating {
    explicit Migrating(std::uint64_t seed, bool caps, const testing::DeviceCosts& costs)
        : instance(wild_instance({.caps = caps, .stalls = false, .sliced = seed % 3 == 0}, seed)) {
        Problem& problem = instance.problem;
        problem.previous = testing::random_placement_for(instance, seed + 5);
        problem.weights_everywhere = seed % 2 == 0;
        for (Snapshot::Device& device : problem.snapshot.devices) {
            device.storage_bandwidth = 100'000'000;
        }
        testing::add_device_costs(problem, costs, seed);
    }

    Instance instance;
};

/// Compares D_mig by LayerMoves with that of the timeline for an assignment of the seed. Returns
/// whether they are equal; LayerMoves never says more.
bool moves_are_exact(const Problem& problem, std::uint64_t seed) {
    const LayerCosts costs(problem, all_hosts(problem));
    LayerMoves moves(problem, costs);
    LayerDevices devices;
    Nanoseconds alone = 0;
    for (std::size_t l = 0; l < costs.layers(); ++l) {
        const std::size_t j = (seed / 5 + l * l) % costs.devices();
        moves.add(l, j);
        devices.push_back(costs.device(j));
        alone = std::max(alone, moves.least(l, j));
    }
    const Decision exact = evaluate(problem, placement_of_layers(problem, devices));
    const Nanoseconds total = moves.total();
    EXPECT_LE(total, exact.migration) << "seed " << seed;
    EXPECT_LE(alone, total) << "seed " << seed;
    for (std::size_t l = 0; l < costs.layers(); ++l) {
        moves.remove(l, (seed / 5 + l * l) % costs.devices());
    }
    EXPECT_LE(moves.total(), exact.migration) << "embed and lm_head alone";
    return total == exact.migration;
}

TEST(LayerMoves, are_those_of_the_timeline) {
    for (std::uint64_t seed = 0; seed < kManyLayered; ++seed) {
        const auto costs = testing::DeviceCosts::choice(seed % 4); // none for messages
        const Migrating migrating(seed, false, costs);
        EXPECT_TRUE(moves_are_exact(migrating.instance.problem, seed)) << "seed " << seed;
    }
}

TEST(LayerMoves, are_a_lower_bound_if_the_order_of_messages_matters) {
    int less = 0;
    for (std::uint64_t seed = 0; seed < 2 * kManyLayered; ++seed) {
        const auto costs = testing::DeviceCosts::choice(seed / 2 % 16);
        const Migrating migrating(seed, seed % 2 == 0, costs);
        less += moves_are_exact(migrating.instance.problem, seed) ? 0 : 1;
    }
    EXPECT_GT(less, static_cast<int>(kManyLayered / 10));
}

/// All blocks of two layers go from A to B, 1 ms of latency. Three times by hand: without overheads
/// the sum of the transfers; with 10 ms for each message the handling by each device; on a slow
/// medium twice all bytes.
TEST(LayerMoves, count_handling_and_media) {
    Instance instance = planted_instance({.devices = 2, .layers = 2}, 1);
    Problem& problem = instance.problem;
    problem.source = DeviceId(1);
    problem.previous = Placement(instance.blocks->size(), DeviceId(0));
    problem.snapshot.links.assign(4, {1'000'000'000, 1'000'000});
    const auto total = [&] {
        const LayerCosts costs(problem, all_hosts(problem));
        LayerMoves moves(problem, costs);
        moves.add(0, 0);
        moves.add(1, 0);
        return moves.total();
    };
    const std::vector<Move> all = moves_between(
        *instance.blocks,
        *problem.previous,
        Placement(instance.blocks->size(), DeviceId(1)),
        problem.moved_rows()
    );
    Bytes bytes = 0;
    std::int64_t messages = 0;
    for (const Move& move : all) {
        bytes += move.bytes;
        messages += move.bytes > 0 ? 1 : 0;
    }
    const Nanoseconds link = total();
    EXPECT_NEAR(static_cast<double>(link), static_cast<double>(bytes) + 1e6, 100);
    problem.snapshot.devices[0].message_overhead = 10'000'000'000;
    EXPECT_EQ(total(), messages * 10'000'000'000);
    problem.snapshot.devices[0].message_overhead = 0;
    problem.snapshot.devices[1].message_overhead = 20'000'000'000;
    EXPECT_EQ(total(), messages * 20'000'000'000);
    problem.snapshot.devices[1].message_overhead = 5;
    EXPECT_EQ(total(), link + 5) << "the last of the messages is handled after its arrival";
    problem.snapshot.devices[1].message_overhead = 0;
    problem.snapshot.media = {100'000'000}; // B/s
    problem.snapshot.devices[0].medium = 0;
    problem.snapshot.devices[1].medium = 0;
    EXPECT_NEAR(static_cast<double>(total()), 20.0 * static_cast<double>(bytes) + 1e6, 100);
    problem.snapshot.devices[1].medium = kNoMedium;
    EXPECT_NEAR(static_cast<double>(total()), 10.0 * static_cast<double>(bytes) + 1e6, 100);
}

/// The best results over all splits that are accepted.
struct Best {
    Nanoseconds latency = kNever;          ///< the least latency
    Nanoseconds stage = kNever;            ///< the least time of the slowest stage
    Nanoseconds latency_of_stage = kNever; ///< the least latency with that slowest stage
};

template <class Accepts>
Best by_enumeration(const Problem& problem, const Accepts& accepts) {
    Best best;
    testing::for_each_assignment(problem, [&](const LayerDevices& devices) {
        const Placement placement = placement_of_layers(problem, devices);
        if (!accepts(devices) || !validate(problem, placement).ok()) {
            return;
        }
        const Nanoseconds latency = evaluate(problem, placement).inference;
        const Nanoseconds stage = testing::slowest_stage(problem, devices);
        best.latency = std::min(best.latency, latency);
        if (stage < best.stage || (stage == best.stage && latency < best.latency_of_stage)) {
            best.stage = stage;
            best.latency_of_stage = latency;
        }
    });
    return best;
}

LayerDevices layers_of(const Problem& problem, const Placement& placement) {
    LayerDevices devices;
    for (std::int32_t l = 0; l < problem.blocks->shape().layers; ++l) {
        devices.push_back(placement[problem.blocks->activation_block(l).index()]);
    }
    return devices;
}

TEST(EdgeShard, finds_the_optimum_of_enumeration) {
    int split = 0;
    int infeasible = 0;
    int apart = 0;
    for (std::uint64_t seed = 0; seed < 2 * kManyLayered; ++seed) {
        const Instance instance = layered(seed, seed % 2 == 0);
        const Problem& problem = instance.problem;
        const Best best = by_enumeration(problem, [&](const LayerDevices& devices) {
            return devices.front() == problem.source && testing::is_contiguous(devices);
        });
        const Decision latency = decision_of(PolicyKind::edgeshard, problem);
        const Decision throughput = decision_of(PolicyKind::edgeshard_throughput, problem);
        ASSERT_EQ(latency.feasible, best.latency != kNever) << "seed " << seed;
        ASSERT_EQ(throughput.feasible, latency.feasible) << "seed " << seed;
        if (!latency.feasible) {
            ++infeasible;
            EXPECT_THAT(explanation_text(latency.why), HasSubstr(" lacks "));
            EXPECT_THAT(explanation_text(throughput.why), HasSubstr(" lacks "));
            continue;
        }
        EXPECT_TRUE(validate(problem, latency.placement).ok()) << "seed " << seed;
        EXPECT_TRUE(validate(problem, throughput.placement).ok()) << "seed " << seed;
        EXPECT_EQ(latency.inference, best.latency) << "seed " << seed;
        const LayerDevices devices = layers_of(problem, throughput.placement);
        EXPECT_EQ(testing::slowest_stage(problem, devices), best.stage) << "seed " << seed;
        EXPECT_EQ(throughput.inference, best.latency_of_stage) << "seed " << seed;
        split += devices.front() != devices.back() ? 1 : 0;
        apart += throughput.placement != latency.placement ? 1 : 0;
    }
    // All kinds of results must occur, or the comparison is worth nothing.
    EXPECT_GT(split, static_cast<int>(kManyLayered / 5));
    EXPECT_GE(apart, static_cast<int>(kManyLayered / 20));
    EXPECT_GT(infeasible, 0);
}

TEST(Ring, finds_the_optimum_of_enumeration) {
    int split = 0;
    for (std::uint64_t seed = 0; seed < 2 * kManyLayered; ++seed) {
        Instance instance = layered(seed, seed % 2 == 0);
        if (seed % 3 == 0) { // splits need memory for the caches of all sequences
            testing::put_in_flight(instance, 1 + static_cast<std::int64_t>(seed % 7), seed);
        }
        const Problem& problem = instance.problem;
        const Best best = by_enumeration(problem, [&](const LayerDevices& devices) {
            return testing::follows_ring_order(problem, devices);
        });
        const Decision decision = decision_of(PolicyKind::ring, problem);
        ASSERT_EQ(decision.feasible, best.latency != kNever) << "seed " << seed;
        if (!decision.feasible) {
            EXPECT_THAT(explanation_text(decision.why), HasSubstr(" lacks "));
            continue;
        }
        EXPECT_TRUE(validate(problem, decision.placement).ok()) << "seed " << seed;
        const LayerDevices devices = layers_of(problem, decision.placement);
        EXPECT_TRUE(testing::follows_ring_order(problem, devices));
        EXPECT_EQ(testing::slowest_stage(problem, devices), best.stage) << "seed " << seed;
        EXPECT_EQ(decision.inference, best.latency_of_stage) << "seed " << seed;
        split += devices.front() != devices.back() ? 1 : 0;
    }
    EXPECT_GT(split, static_cast<int>(kManyLayered / 5));
}

TEST(DynamicLayer, finds_the_optimum_of_enumeration_and_is_never_worse_than_keeping) {
    int moved = 0;
    int kept = 0;
    for (std::uint64_t seed = 0; seed < 2 * kManyLayered; ++seed) {
        Instance instance = layered(seed, false);
        Problem& problem = instance.problem;
        // The search is exact if LayerMoves is.
        if (seed % 4 > 0 && !order_matters(problem.snapshot)) {
            const std::size_t n = problem.snapshot.size();
            LayerDevices devices;
            for (std::size_t l = 0; l < problem.blocks->shape().layer_types.size(); ++l) {
                devices.push_back(DeviceId((seed / 3 + l * (seed % 3)) % n));
            }
            problem.previous = seed % 4 == 1 ? testing::random_placement_for(instance, seed)
                                             : placement_of_layers(problem, devices);
        }
        double least = std::numeric_limits<double>::infinity();
        testing::for_each_assignment(problem, [&](const LayerDevices& devices) {
            const Placement placement = placement_of_layers(problem, devices);
            if (validate(problem, placement).ok()) {
                least = std::min(least, objective(problem, placement));
            }
        });
        const bool may_stay = problem.previous && validate(problem, *problem.previous).ok();
        const double staying = may_stay ? objective(problem, *problem.previous)
                                        : std::numeric_limits<double>::infinity();
        const Decision decision = decision_of(PolicyKind::dynamic_layer, problem);
        ASSERT_EQ(decision.feasible, std::min(least, staying) < 1e300) << "seed " << seed;
        if (!decision.feasible) {
            EXPECT_THAT(explanation_text(decision.why), HasSubstr(" lacks "));
            continue;
        }
        EXPECT_TRUE(validate(problem, decision.placement).ok()) << "seed " << seed;
        EXPECT_EQ(objective(problem, decision), std::min(least, staying)) << "seed " << seed;
        if (problem.previous) {
            const bool same = decision.placement == *problem.previous;
            (same ? kept : moved) += 1;
            EXPECT_THAT(explanation_text(decision.why), HasSubstr(same ? "kept" : "moved"))
                << explanation_text(decision.why);
        }
    }
    EXPECT_GT(moved, static_cast<int>(kManyLayered / 20));
    EXPECT_GT(kept, static_cast<int>(kManyLayered / 20));
}

TEST(DynamicLayer, with_caps_and_costs_is_never_worse_than_keeping) {
    for (std::uint64_t seed = 0; seed < 2 * kManyLayered / 3; ++seed) {
        Instance instance = wild_instance({.caps = true}, seed);
        if (seed % 2 == 1) {
            testing::add_device_costs(instance.problem, testing::DeviceCosts::all(), seed);
        }
        const Problem& problem = instance.problem;
        const Decision decision = decision_of(PolicyKind::dynamic_layer, problem);
        if (problem.previous && validate(problem, *problem.previous).ok()) {
            ASSERT_TRUE(decision.feasible);
            EXPECT_LE(objective(problem, decision), objective(problem, *problem.previous));
        }
    }
}

constexpr PolicyKind kLayered[] = {
    PolicyKind::dynamic_layer,
    PolicyKind::edgeshard,
    PolicyKind::edgeshard_throughput,
    PolicyKind::ring,
    PolicyKind::mdi_ring,
    PolicyKind::galaxy,
};

void expect_accepted(const Problem& problem, int& feasible, std::uint64_t seed) {
    for (const PolicyKind kind : kLayered) {
        const Decision decision = decision_of(kind, problem);
        EXPECT_FALSE(explanation_text(decision.why).empty()) << name_of(kind);
        EXPECT_EQ(decision.placement.empty(), !decision.feasible);
        if (decision.feasible) {
            ++feasible;
            EXPECT_TRUE(validate(problem, decision.placement).ok())
                << name_of(kind) << " seed " << seed;
        }
    }
}

TEST(LayerPolicies, make_decisions_that_validate_accepts) {
    int feasible = 0;
    for (std::uint64_t seed = 0; seed < kManyLayered; ++seed) {
        testing::InstanceShape cell = testing::random_cell(seed);
        cell.granularity = seed % 2 == 0 ? Granularity::paper : Granularity::sliced;
        for (const CostProfile profile : {CostProfile::physical, CostProfile::paper}) {
            if (profile == CostProfile::paper && cell.granularity == Granularity::sliced) {
                continue;
            }
            Instance instance = planted_instance(cell, seed, profile);
            if (seed % 3 > 0) {
                instance.problem.previous.reset();
            }
            expect_accepted(instance.problem, feasible, seed);
        }
        Instance wild = wild_instance(
            {.caps = seed % 3 == 0, .stalls = seed % 5 == 0, .sliced = seed % 2 == 0}, seed
        );
        if (seed % 3 > 0) {
            wild.problem.previous.reset();
        }
        if (seed % 4 == 1) {
            testing::add_device_costs(wild.problem, testing::DeviceCosts::all(), seed);
        }
        expect_accepted(wild.problem, feasible, seed);
    }
    EXPECT_GT(feasible, static_cast<int>(kManyLayered));
}

TEST(StaticPolicies, keep_their_placement_and_report_when_it_does_not_fit) {
    for (const PolicyKind kind : kLayered) {
        if (kind == PolicyKind::dynamic_layer) {
            continue;
        }
        const bool sliced = kind == PolicyKind::galaxy;
        Instance instance = planted_instance(
            {.devices = 3,
             .layers = 4,
             .granularity = sliced ? Granularity::sliced : Granularity::paper},
            11
        );
        Problem& problem = instance.problem;
        problem.previous = instance.planted; // any first placement
        for (Snapshot::Device& device : problem.snapshot.devices) {
            device.compute /= 2;
        }
        const Decision kept = decision_of(kind, problem);
        ASSERT_TRUE(kept.feasible) << name_of(kind);
        EXPECT_EQ(kept.placement, instance.planted);
        problem.snapshot.devices[1].memory = 1;
        const Decision late = decision_of(kind, problem);
        EXPECT_FALSE(late.feasible) << name_of(kind);
        EXPECT_THAT(explanation_text(late.why), HasSubstr("device 1 lacks")) << name_of(kind);
    }
}

/// Equal layers on three devices with speeds 1, 2 and 4 and room for a given number of layers each.
Instance by_hand(std::int32_t layers, const std::vector<Bytes>& room) {
    Instance instance = planted_instance({.devices = 3, .layers = 4}, 1);
    ModelShape shape = instance.blocks->shape();
    shape.layers = layers;
    shape.layer_types.assign(static_cast<std::size_t>(layers), LayerTypes::all(WeightType::f32));
    instance.blocks = std::make_unique<Blocks>(shape);
    Problem& problem = instance.problem;
    problem.blocks = instance.blocks.get();
    problem.previous.reset();
    Bytes layer = 0;
    const Placement anywhere(instance.blocks->size(), DeviceId(0));
    for (std::int32_t n = 0; n < instance.blocks->blocks_per_layer(); ++n) {
        const BlockId b(instance.blocks->group(0, 0).value + n);
        layer += instance.blocks->resident_bytes(b, problem.horizon(), anywhere);
    }
    for (std::size_t d = 0; d < 3; ++d) {
        problem.snapshot.devices[d].compute = PerSecond{1'000'000'000} << d;
        problem.snapshot.devices[d].memory = room[d] * layer;
    }
    for (Snapshot::Link& link : problem.snapshot.links) {
        link = {1'000'000'000'000, 1000};
    }
    return instance;
}

LayerDevices counts(std::initializer_list<std::size_t> layers_of_devices) {
    LayerDevices devices;
    std::size_t d = 0;
    for (const std::size_t n : layers_of_devices) {
        devices.insert(devices.end(), n, DeviceId(d++));
    }
    return devices;
}

TEST(Ring, splits_by_speed_and_leaves_out_devices_that_slow_it_down) {
    // Seven layers at speeds 1, 2 and 4, with room for all, are split into one, two and four.
    Instance instance = by_hand(7, {7, 7, 7});
    Problem& problem = instance.problem;
    EXPECT_EQ(
        layers_of(problem, decision_of(PolicyKind::ring, problem).placement), counts({1, 2, 4})
    );
    // The fastest device has room for two layers. The other five can be split 1 and 4 or 2 and 3.
    // Both have a slowest stage of two; the former has the lower latency.
    problem.snapshot.devices[2].memory = problem.snapshot.devices[0].memory / 7 * 2;
    EXPECT_EQ(
        layers_of(problem, decision_of(PolicyKind::ring, problem).placement), counts({1, 4, 2})
    );
    // A single layer goes to the fastest device, and the source has none.
    Instance one = by_hand(1, {1, 1, 1});
    EXPECT_EQ(
        layers_of(one.problem, decision_of(PolicyKind::ring, one.problem).placement),
        counts({0, 0, 1})
    );
}

TEST(EdgeShard, keeps_the_first_layer_on_the_source_and_the_rest_where_it_is_fast) {
    Instance instance = by_hand(7, {7, 7, 7});
    const Problem& problem = instance.problem;
    EXPECT_EQ(
        layers_of(problem, decision_of(PolicyKind::edgeshard, problem).placement), counts({1, 0, 6})
    );
    // Each device is a stage; the second and the third can be in either order.
    const LayerDevices even =
        layers_of(problem, decision_of(PolicyKind::edgeshard_throughput, problem).placement);
    EXPECT_EQ(std::count(even.begin(), even.end(), DeviceId(0)), 1);
    EXPECT_EQ(std::count(even.begin(), even.end(), DeviceId(1)), 2);
    EXPECT_EQ(std::count(even.begin(), even.end(), DeviceId(2)), 4);
    // If the source has no room for a layer, the decision is infeasible.
    Instance none = by_hand(7, {0, 7, 7});
    const Decision refused = decision_of(PolicyKind::edgeshard, none.problem);
    EXPECT_FALSE(refused.feasible);
    EXPECT_THAT(explanation_text(refused.why), HasSubstr("device 0 lacks"));
}

TEST(Chains, of_many_devices_are_found_within_the_work_limit) {
    Instance instance = by_hand(4, {1, 1, 1});
    ModelShape shape = instance.blocks->shape();
    shape.layers = 80;
    shape.layer_types.assign(80, LayerTypes::all(WeightType::f32));
    instance.blocks = std::make_unique<Blocks>(shape);
    Problem& problem = instance.problem;
    problem.blocks = instance.blocks.get();
    const Snapshot::Device device = problem.snapshot.devices[0];
    problem.snapshot.devices.assign(100, device);
    for (std::size_t d = 0; d < 100; ++d) {
        problem.snapshot.devices[d].compute += static_cast<PerSecond>(d * 7919 % 100) * 5'000'000;
    }
    problem.snapshot.links.assign(std::size_t{100} * 100, {12'500'000, 1'000'000});
    for (const PolicyKind kind : kLayered) {
        const Decision decision = decision_of(kind, problem);
        EXPECT_LT(decision.evaluations, 30'000'000) << name_of(kind);
        if (kind != PolicyKind::galaxy && kind != PolicyKind::mdi_ring) {
            ASSERT_TRUE(decision.feasible) << name_of(kind) << explanation_text(decision.why);
            EXPECT_TRUE(validate(problem, decision.placement).ok());
        }
    }
    problem.snapshot.devices.resize(79); // one layer too many
    problem.snapshot.links.resize(std::size_t{79} * 79);
    for (const PolicyKind kind : {PolicyKind::edgeshard, PolicyKind::ring}) {
        EXPECT_THAT(explanation_text(decision_of(kind, problem).why), HasSubstr(" lacks "))
            << name_of(kind);
    }
}

struct TableRow {
    std::int32_t layers;
    std::size_t devices;
    std::size_t starter;
    std::size_t each;
};

/// A second copy of the table in docs/explanation/ring-pipelines.md#the-published-split, one row
/// per line.
constexpr TableRow kPublished[] = {
    {5, 2, 2, 3},    {5, 3, 1, 2},                                  //
    {7, 2, 3, 4},    {7, 3, 1, 3},                                  //
    {9, 2, 4, 5},    {9, 3, 1, 4},                                  //
    {12, 2, 5, 7},   {12, 3, 2, 5},                                 //
    {22, 2, 10, 12}, {22, 3, 6, 8},   {22, 4, 4, 6}, {22, 5, 2, 5}, //
    {24, 2, 10, 14}, {24, 3, 4, 10},                                //
    {32, 2, 14, 18}, {32, 3, 8, 12},  {32, 4, 5, 9}, {32, 5, 4, 7}, //
    {36, 2, 16, 20}, {36, 3, 10, 13},                               //
    {48, 2, 22, 26}, {48, 3, 14, 17},
};

Instance of_counts(std::int32_t layers, std::size_t devices) {
    Instance instance = by_hand(layers, {100, 100, 100});
    Problem& problem = instance.problem;
    problem.snapshot.devices.resize(devices, problem.snapshot.devices[0]);
    problem.snapshot.links.assign(devices * devices, {1'000'000'000, 1000});
    return instance;
}

TEST(MdiRing, has_the_whole_published_table_and_nothing_else) {
    for (std::int32_t layers = 1; layers <= 50; ++layers) {
        for (std::size_t devices = 1; devices <= 6; ++devices) {
            Instance instance = of_counts(layers, devices);
            Problem& problem = instance.problem;
            problem.source = DeviceId(devices - 1);
            const auto* const row =
                std::find_if(std::begin(kPublished), std::end(kPublished), [&](const TableRow& r) {
                    return r.layers == layers && r.devices == devices;
                });
            const Decision decision = decision_of(PolicyKind::mdi_ring, problem);
            ASSERT_EQ(decision.feasible, row != std::end(kPublished))
                << explanation_text(decision.why);
            if (!decision.feasible) {
                EXPECT_THAT(explanation_text(decision.why), HasSubstr("no split of"));
                continue;
            }
            LayerDevices expected(row->starter, problem.source);
            for (std::size_t d = 0; d + 1 < devices; ++d) {
                expected.insert(expected.end(), row->each, DeviceId(d));
            }
            EXPECT_EQ(layers_of(problem, decision.placement), expected);
            EXPECT_EQ(decision.placement, placement_of_layers(problem, expected));
        }
    }
}

TEST(MdiRing, reports_what_the_table_has_and_which_device_lacks_memory) {
    const Instance outside = of_counts(24, 4);
    EXPECT_THAT(
        explanation_text(decision_of(PolicyKind::mdi_ring, outside.problem).why),
        HasSubstr("24 layers over 4 devices: for 24 layers it has 2, 3 devices, for 4 devices 22, "
                  "32 layers")
    );
    Instance tight = of_counts(12, 3);
    tight.problem.snapshot.devices[2].memory = tight.problem.snapshot.devices[0].memory / 100 * 5;
    EXPECT_TRUE(decision_of(PolicyKind::mdi_ring, tight.problem).feasible);
    --tight.problem.snapshot.devices[2].memory;
    const Decision refused = decision_of(PolicyKind::mdi_ring, tight.problem);
    EXPECT_FALSE(refused.feasible);
    EXPECT_THAT(explanation_text(refused.why), HasSubstr("device 2 lacks"));
}

TEST(LayerSplits, recognise_contiguous_layers_and_the_ring_order) {
    const Instance instance = by_hand(3, {3, 3, 3});
    Problem problem = instance.problem;
    const auto devices = [](std::size_t a, std::size_t b, std::size_t c) {
        return LayerDevices{DeviceId(a), DeviceId(b), DeviceId(c)};
    };
    EXPECT_TRUE(testing::is_contiguous(devices(2, 2, 0)));
    EXPECT_FALSE(testing::is_contiguous(devices(2, 0, 2)));
    EXPECT_FALSE(testing::follows_ring_order(problem, devices(1, 1, 0)));
    problem.source = DeviceId(1);
    EXPECT_TRUE(testing::follows_ring_order(problem, devices(1, 2, 0)));
    EXPECT_FALSE(testing::follows_ring_order(problem, devices(1, 0, 2)));
    // With speeds 1, 2 and 4, two layers on the slowest device take longer than three on the
    // fastest.
    const auto two =
        static_cast<double>(testing::slowest_stage(instance.problem, devices(0, 0, 2)));
    const auto three =
        static_cast<double>(testing::slowest_stage(instance.problem, devices(2, 2, 2)));
    EXPECT_NEAR(two / three, 8.0 / 3.0, 1e-3);
}

} // namespace
} // namespace headroom::scheduler
