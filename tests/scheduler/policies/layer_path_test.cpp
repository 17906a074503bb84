// The shortest paths over (layer, device), the descents that use them, and their bounds, compared
// with enumeration.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "scheduler/cost/layer_costs.hpp"
#include "scheduler/layers/assignment_descent.hpp"
#include "scheduler/layers/layer_path.hpp"
#include "scheduler/layers/shard_rules.hpp"
#include "tests/scheduler/instances/instances.hpp"

namespace headroom::scheduler {
namespace {

using testing::Instance;
using testing::wild_instance;

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max() / 4;

/// Random lengths of the edges between rows of devices; some edges are missing.
struct Graph {
    std::size_t rows;
    std::size_t devices;
    std::uint64_t seed;

    [[nodiscard]] std::int64_t edge(std::size_t row, std::size_t from, std::size_t to) const {
        const std::uint64_t bits = random_bits(seed, (row * devices + from) * devices + to);
        return bits % 5 == 0 ? kNone : static_cast<std::int64_t>(bits % 97);
    }

    /// Returns the length of the shortest path from a node to the last row, by enumeration.
    [[nodiscard]] std::int64_t least(std::size_t row, std::size_t from) const {
        if (row + 1 == rows) {
            return 0;
        }
        std::int64_t least = kNone;
        for (std::size_t to = 0; to < devices; ++to) {
            if (edge(row, from, to) < kNone) {
                least = std::min(least, edge(row, from, to) + this->least(row + 1, to));
            }
        }
        return least;
    }
};

TEST(LayerPaths, are_the_shortest_forward_and_backward) {
    int reachable = 0;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const Graph graph{2 + seed % 4, 1 + seed % 5, seed};
        const std::size_t last = graph.rows - 1;
        const auto edges = [&](std::size_t row) {
            return [&, row](std::size_t from, std::size_t to) { return graph.edge(row, from, to); };
        };
        LayerPaths<std::int64_t> forward(graph.rows, graph.devices, kNone);
        LayerPaths<std::int64_t> backward(graph.rows, graph.devices, kNone);
        forward.at(0, 0) = 0;
        for (std::size_t j = 0; j < graph.devices; ++j) {
            backward.at(last, j) = 0;
        }
        for (std::size_t row = 0; row < last; ++row) {
            forward.forward(row + 1, edges(row));
            backward.backward(last - 1 - row, edges(last - 1 - row));
        }
        const std::int64_t least = graph.least(0, 0);
        EXPECT_EQ(backward.at(0, 0), least) << "seed " << seed;
        std::size_t j = forward.least(last, [](std::size_t) { return 0; });
        EXPECT_EQ(forward.at(last, j), least) << "seed " << seed;
        if (!forward.reaches(last, j)) {
            continue;
        }
        ++reachable;
        // The path that is traced back, and the one that is traced forward, have this length.
        std::int64_t length = 0;
        for (std::size_t row = last; row > 0; --row) {
            const std::size_t before = forward.before(row, j, edges(row - 1));
            length += graph.edge(row - 1, before, j);
            j = before;
        }
        EXPECT_EQ(j, 0U);
        EXPECT_EQ(length, least) << "seed " << seed;
        for (std::size_t row = 0; row < last; ++row) {
            const std::size_t after = backward.after(row, j, edges(row));
            length -= graph.edge(row, j, after);
            j = after;
        }
        EXPECT_EQ(length, 0) << "seed " << seed;
    }
    EXPECT_GT(reachable, 100);
    EXPECT_LT(reachable, 200); // twin: some graphs have no path
}

LayerCosts costs_of(const Problem& problem) {
    return {problem, layer_hosts(problem, 0)};
}

TEST(ShardBounds, are_below_the_best_chain_and_rise_with_prices) {
    int better = 0;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        const Instance instance = testing::planted_instance(
            {.devices = 12,
             .layers = 8,
             .heads = 8,
             .memory_factor = 1.5 + 0.1 * static_cast<double>(seed % 20)},
            seed
        );
        const LayerCosts costs = costs_of(instance.problem);
        const Chain chain = fastest_chain(costs, ChainOrder::any);
        if (chain.shards.empty()) {
            continue;
        }
        ASSERT_TRUE(chain.proven) << "seed " << seed;
        const ShardRules rules(costs, ChainOrder::any, kNever);
        ShardBounds bounds(costs, rules);
        const Nanoseconds without = bounds.least();
        const Nanoseconds bound = raise_prices(bounds, costs, chain.latency, 40);
        EXPECT_LE(without, bound) << "seed " << seed;
        EXPECT_LE(bound, chain.latency) << "seed " << seed;
        better += bound > without ? 1 : 0;
    }
    EXPECT_GT(better, 10);
}

TEST(AssignmentDescent, knows_the_objective_and_the_memory_of_its_assignment) {
    int improved = 0;
    for (std::uint64_t seed = 0; seed < 150; ++seed) {
        const bool wild = seed % 2 == 0;
        Instance instance =
            wild ? wild_instance({.sliced = seed % 4 == 0}, seed)
                 : testing::planted_instance(
                       {.devices = 9, .layers = 12, .heads = 8, .memory_factor = 3.0},
                       seed,
                       seed % 3 == 0 ? CostProfile::paper : CostProfile::physical
                   );
        instance.problem.previous = instance.planted;
        const LayerCosts costs = costs_of(instance.problem);
        AssignmentDescent descent(instance.problem, costs);
        LayerAssignment start;
        for (std::size_t l = 0; l < costs.layers(); ++l) {
            start.push_back((seed + l) % costs.devices());
        }
        if (!descent.start(start)) {
            continue;
        }
        const Int128 before = descent.objective();
        descent.descend(10'000);
        for (std::uint64_t k = 0; k < 5; ++k) {
            descent.kick(seed + k, 500);
        }
        EXPECT_LE(descent.objective(), before);
        improved += descent.objective() < before ? 1 : 0;
        // Summed anew, the assignment has the same objective and fits.
        const LayerAssignment& a = descent.assignment();
        LayerMoves moves(instance.problem, costs);
        std::vector<Bytes> left;
        for (std::size_t j = 0; j < costs.devices(); ++j) {
            left.push_back(costs.room(j));
        }
        Nanoseconds time = costs.finish(a.back());
        for (std::size_t l = 0; l < a.size(); ++l) {
            time += costs.time_after_hop(l, l > 0 ? a[l - 1] : 0, a[l]);
            moves.add(l, a[l]);
            left[a[l]] -= costs.bytes(l, l + 1);
        }
        const Int128 objective =
            Int128{moves.total()} + Int128{instance.problem.steps()} * Int128{time};
        EXPECT_TRUE(descent.objective() == objective) << "seed " << seed;
        for (const std::size_t j : a) {
            EXPECT_GE(left[j], 0) << "seed " << seed;
        }
    }
    EXPECT_GT(improved, 20);
}

} // namespace
} // namespace headroom::scheduler
