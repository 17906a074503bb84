// The shortest path over hosts against all paths of small problems.
#include <algorithm>
#include <functional>

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "scheduler/exact/host_path.hpp"

namespace headroom::scheduler::exact {
namespace {

constexpr std::size_t kLayers = 3;
constexpr std::size_t kHolders = 3;
constexpr std::size_t kTargets = 2;
constexpr std::size_t kEnds = 2;
using Grid = HostPath::Grid;

Grid random_grid(Random& random, std::size_t size) {
    Grid grid(size);
    for (double& cost : grid) {
        cost = random.below(9) == 0 ? kInfinite : static_cast<double>(random.below(40));
    }
    return grid;
}

/// Costs of all layers. Layers 0 and 2 share a table of pools; layer 2 has an entry of its own.
struct Costs {
    explicit Costs(Random& random) {
        for (std::size_t l = 0; l < kLayers; ++l) {
            pool.push_back(random_grid(random, kHolders * kTargets));
            target.push_back(random_grid(random, kTargets));
            after.push_back(random_grid(random, kTargets * kHolders));
            holder.push_back(random_grid(random, kHolders));
            for (std::size_t i = 0; i < kHolders * kTargets; ++i) {
                const std::size_t next = i / kTargets;
                back[l].push_back(after[l][i % kTargets * kHolders + next]);
            }
        }
        pool[2] = pool[0];
        pool[2][1] = 7;
        own = {{1, 7}};
        begin = random_grid(random, kHolders);
        finish = random_grid(random, kHolders * kEnds);
        end = random_grid(random, kEnds);
    }
    void connect(HostPath& path) {
        for (std::size_t l = 0; l < kLayers; ++l) {
            path.layer(l) = {
                pool[l == 2 ? 0 : l].data(),
                target[l].data(),
                after[l].data(),
                holder[l].data(),
                back[l].data(),
                l == 2 ? &own : nullptr};
        }
    }
    [[nodiscard]] HostPath::Ends ends() const { return {begin.data(), finish.data(), end.data()}; }

    std::vector<Grid> pool, target, after, holder;
    std::vector<Grid> back = std::vector<Grid>(kLayers);
    std::vector<std::pair<std::size_t, double>> own;
    Grid begin, finish, end;
};

struct Hosts {
    std::vector<std::size_t> holders; ///< [layer, end]
    std::vector<std::size_t> targets;
    std::size_t end = 0;
};

double length_of(const Costs& costs, const Hosts& hosts, bool by_next) {
    double sum = costs.begin[hosts.holders[0]];
    for (std::size_t l = 0; l < kLayers; ++l) {
        const std::size_t next = hosts.holders[l + 1];
        const std::size_t k = hosts.targets[l];
        const std::size_t key = by_next ? next : hosts.holders[l];
        sum += costs.pool[l][key * kTargets + k] + costs.target[l][k];
        sum += costs.after[l][k * kHolders + next] + costs.holder[l][next];
    }
    return sum + costs.finish[hosts.holders[kLayers] * kEnds + hosts.end] + costs.end[hosts.end];
}

/// Returns whether no holder has more ffns in a row than allowed; 0: any number.
bool within_runs(const Hosts& hosts, const std::vector<std::size_t>& most) {
    std::size_t run = 0;
    for (std::size_t l = 1; l <= kLayers; ++l) {
        run = l > 1 && hosts.holders[l] == hosts.holders[l - 1] ? run + 1 : 1;
        if (most[hosts.holders[l]] > 0 && run > most[hosts.holders[l]]) {
            return false;
        }
    }
    return true;
}

void visit_all(const std::function<void(const Hosts&)>& visit) {
    Hosts hosts{std::vector<std::size_t>(kLayers + 1), std::vector<std::size_t>(kLayers), 0};
    constexpr std::size_t kAll = 81 * 8 * kEnds; // 3^4 holders, 2^3 targets
    for (std::size_t code = 0; code < kAll; ++code) {
        std::size_t rest = code;
        const auto next = [&rest](std::size_t base) {
            const std::size_t digit = rest % base;
            rest /= base;
            return digit;
        };
        std::ranges::generate(hosts.holders, [&] { return next(kHolders); });
        std::ranges::generate(hosts.targets, [&] { return next(kTargets); });
        hosts.end = next(kEnds);
        visit(hosts);
    }
}

Hosts hosts_of(const HostPath& path) {
    Hosts hosts;
    for (std::size_t l = 0; l <= kLayers; ++l) {
        hosts.holders.push_back(path.holder(l));
    }
    for (std::size_t l = 0; l < kLayers; ++l) {
        hosts.targets.push_back(path.target(l));
    }
    hosts.end = path.end();
    return hosts;
}

TEST(HostPath, is_the_shortest_of_all_paths) {
    Random random(11);
    int limited = 0; // twin: without the limits of runs the path would be shorter
    for (int k = 0; k < 600; ++k) {
        const bool by_next = k % 3 == 0;
        Costs costs(random);
        HostPath path(kLayers, {kHolders, kTargets, kEnds}, by_next);
        std::vector<std::size_t> most(kHolders, 0);
        if (!by_next && k % 3 == 1) {
            std::ranges::generate(most, [&] { return random.below(3); });
            path.limit_runs(most);
        }
        costs.connect(path);
        double best = kInfinite;
        double free = kInfinite;
        visit_all([&](const Hosts& hosts) {
            const double length = length_of(costs, hosts, by_next);
            free = std::min(free, length);
            best = within_runs(hosts, most) ? std::min(best, length) : best;
        });
        ASSERT_EQ(path.find(costs.ends()), best) << k;
        limited += free < best ? 1 : 0;
        if (best < kInfinite) {
            EXPECT_EQ(length_of(costs, hosts_of(path), by_next), best) << k;
            EXPECT_TRUE(within_runs(hosts_of(path), most)) << k;
        }
    }
    EXPECT_GT(limited, 20);
}

TEST(HostPath, knows_the_shortest_path_through_each_host) {
    Random random(12);
    for (int k = 0; k < 200; ++k) {
        const bool by_next = k % 2 == 0;
        Costs costs(random);
        HostPath path(kLayers, {kHolders, kTargets, kEnds}, by_next);
        costs.connect(path);
        (void)path.find(costs.ends());
        path.measure_detours(costs.ends());
        std::vector<Grid> holders(kLayers + 1, Grid(kHolders, kInfinite));
        std::vector<Grid> targets(kLayers, Grid(kTargets, kInfinite));
        visit_all([&](const Hosts& hosts) {
            const double length = length_of(costs, hosts, by_next);
            for (std::size_t l = 0; l <= kLayers; ++l) {
                double& best = holders[l][hosts.holders[l]];
                best = std::min(best, length);
            }
            for (std::size_t l = 0; l < kLayers; ++l) {
                double& best = targets[l][hosts.targets[l]];
                best = std::min(best, length);
            }
        });
        for (std::size_t l = 0; l <= kLayers; ++l) {
            for (std::size_t i = 0; i < kHolders; ++i) {
                EXPECT_EQ(path.through_holder(l, i), holders[l][i]) << k;
            }
            for (std::size_t t = 0; l < kLayers && t < kTargets; ++t) {
                EXPECT_EQ(path.through_target(l, t), targets[l][t]) << k;
            }
        }
    }
}

} // namespace
} // namespace headroom::scheduler::exact
