// The pool solver against all distributions of the units of small pools.
#include <algorithm>
#include <functional>
#include <numeric>

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "scheduler/exact/pool_solver.hpp"

namespace headroom::scheduler::exact {
namespace {

constexpr std::size_t kDevices = 3;

struct SmallPool {
    std::vector<std::int32_t> counts; ///< [item]
    std::vector<double> price;        ///< [item][device]
    Ladder ladder;
};

SmallPool random_pool(Random& random) {
    SmallPool pool;
    const std::size_t items = 1 + random.below(3);
    for (std::size_t i = 0; i < items; ++i) {
        pool.counts.push_back(1 + static_cast<std::int32_t>(random.below(3)));
        for (std::size_t d = 0; d < kDevices; ++d) {
            const bool excluded = random.below(8) == 0;
            pool.price.push_back(excluded ? kInfinite : static_cast<double>(random.below(50)));
        }
    }
    for (std::size_t d = 0; d < kDevices; ++d) {
        double time = 0;
        const std::size_t most = random.below(7);
        for (std::size_t n = 0; n < most; ++n) {
            time += static_cast<double>(random.below(20));
            pool.ladder.push_back({time, d});
        }
    }
    std::ranges::stable_sort(pool.ladder, {}, &Event::cost);
    return pool;
}

/// Returns the time in which the devices can take these numbers of units.
double time_of(const Ladder& ladder, std::vector<std::int32_t> loads) {
    double time = 0;
    for (const Event& event : ladder) {
        time = loads[event.device]-- > 0 ? event.cost : time;
    }
    return std::ranges::all_of(loads, [](std::int32_t n) { return n <= 0; }) ? time : kInfinite;
}

/// Returns the least cost of all distributions.
double least_cost(const SmallPool& pool) {
    double best = kInfinite;
    std::vector<std::int32_t> loads(kDevices, 0);
    const std::function<void(std::size_t, std::size_t, std::int32_t, double)> place =
        [&](std::size_t item, std::size_t d, std::int32_t left, double sum) {
            if (item == pool.counts.size()) {
                best = std::min(best, sum + time_of(pool.ladder, loads));
            } else if (left == 0) {
                const bool more = item + 1 < pool.counts.size();
                place(item + 1, 0, more ? pool.counts[item + 1] : 0, sum);
            } else if (d < kDevices) {
                for (std::int32_t n = 0; n <= left; ++n) {
                    loads[d] += n;
                    const double price = n > 0 ? n * pool.price[item * kDevices + d] : 0;
                    place(item, d + 1, left - n, sum + price);
                    loads[d] -= n;
                }
            }
        };
    place(0, 0, pool.counts[0], 0);
    return best;
}

TEST(PoolSolver, finds_the_least_cost_of_all_distributions) {
    Random random(7);
    PoolSolver solver(kDevices);
    int possible = 0;
    int single = 0;
    int caught = 0; // twin: another price of one item is noticed
    for (int k = 0; k < 3000; ++k) {
        SmallPool pool = random_pool(random);
        const std::vector<std::size_t> origins(pool.counts.size(), kNowhere);
        const double expected = least_cost(pool);
        solver.load(pool.counts, origins, pool.price);
        const double cost = solver.solve(pool.ladder, {}, kInfinite);
        ASSERT_EQ(cost, expected) << "pool " << k;
        if (!(cost < kInfinite)) {
            continue;
        }
        ++possible;
        single += pool.counts.size() == 1 ? 1 : 0;
        const std::vector<std::int32_t> units = solver.units();
        EXPECT_EQ(
            std::accumulate(units.begin(), units.end(), 0),
            std::accumulate(pool.counts.begin(), pool.counts.end(), 0)
        );
        pool.price[0] += 10;
        caught += least_cost(pool) != expected ? 1 : 0;
    }
    EXPECT_GT(possible, 500);
    EXPECT_GT(single, 100);
    EXPECT_GT(caught, 100);
}

} // namespace
} // namespace headroom::scheduler::exact
