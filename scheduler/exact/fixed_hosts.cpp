// Finds a minimum-cost flow by successive shortest paths, which the algorithm of Bellman and Ford
// computes. The networks have fewer than a hundred nodes.
#include "scheduler/exact/fixed_hosts.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "scheduler/exact/drafts.hpp"

namespace headroom::scheduler::exact {
namespace {

/// Costs are rounded down to multiples of a power of two below 1 ns. Paths can then be compared
/// exactly, and the cost of the flow is a bound.
constexpr double kLargestCost = 1e15;
/// The price in ns of a lane whose multiplier is 0. It makes keeping a unit cheaper than moving it.
constexpr double kTieBreak = 1;

class Network {
  public:
    explicit Network(std::size_t nodes) : out_(nodes), distance_(nodes), by_(nodes) {}

    std::size_t connect(std::size_t from, std::size_t to, std::int32_t room, std::int64_t cost) {
        const std::size_t arc = arcs_.size();
        arcs_.push_back({to, room, cost});
        arcs_.push_back({from, 0, -cost});
        out_[from].push_back(arc);
        out_[to].push_back(arc + 1);
        return arc;
    }
    [[nodiscard]] std::int64_t cost(std::size_t arc) const { return arcs_[arc].cost; }
    [[nodiscard]] std::int32_t carried(std::size_t arc) const { return arcs_[arc ^ 1U].room; }

    /// Sends the largest flow from one node to another at the least cost. Returns its size.
    std::int32_t send(std::size_t from, std::size_t to) {
        std::int32_t sent = 0;
        while (find_path(from, to)) {
            std::int32_t most = std::numeric_limits<std::int32_t>::max();
            for (std::size_t v = to; v != from; v = arcs_[by_[v] ^ 1U].to) {
                most = std::min(most, arcs_[by_[v]].room);
            }
            for (std::size_t v = to; v != from; v = arcs_[by_[v] ^ 1U].to) {
                arcs_[by_[v]].room -= most;
                arcs_[by_[v] ^ 1U].room += most;
            }
            sent += most;
        }
        return sent;
    }

  private:
    struct Arc {
        std::size_t to = 0;
        std::int32_t room = 0;
        std::int64_t cost = 0;
    };
    static constexpr std::int64_t kFar = std::numeric_limits<std::int64_t>::max();

    bool find_path(std::size_t from, std::size_t to) {
        std::fill(distance_.begin(), distance_.end(), kFar);
        distance_[from] = 0;
        bool changed = true;
        while (changed) { // ends, because a cheapest flow leaves no negative cycle
            changed = false;
            for (std::size_t a = 0; a < out_.size(); ++a) {
                if (distance_[a] == kFar) {
                    continue;
                }
                for (const std::size_t arc : out_[a]) {
                    const Arc& next = arcs_[arc];
                    if (next.room > 0 && distance_[a] + next.cost < distance_[next.to]) {
                        distance_[next.to] = distance_[a] + next.cost;
                        by_[next.to] = arc;
                        changed = true;
                    }
                }
            }
        }
        return distance_[to] != kFar;
    }

    std::vector<Arc> arcs_;
    std::vector<std::vector<std::size_t>> out_;
    std::vector<std::int64_t> distance_;
    std::vector<std::size_t> by_;
};

/// Returns the bytes of every unit, or nothing if they differ.
std::optional<Bytes> common_weight(const Tables& tables) {
    const Bytes weight = tables.items().front().weight;
    const bool same =
        std::all_of(tables.items().begin(), tables.items().end(), [&](const Item& item) {
            return item.weight == weight;
        });
    return same && weight > 0 ? std::optional<Bytes>(weight) : std::nullopt;
}

/// The most units per device that a pool may have within its time, and the least cost of its
/// ladder.
struct Reach {
    std::vector<std::int32_t> most;
    double least = kInfinite;
};

Reach reach_of(const Tables& tables, const Domain& domain, std::size_t k, const Draft& hosts) {
    const Pool& pool = tables.pools()[k];
    const std::size_t ffn = hosts.chain[pool.layer + 1];
    const std::size_t key = tables.by_formula() ? ffn : hosts.chain[pool.layer];
    const std::size_t proj = tables.sliced() ? ffn : hosts.proj[pool.layer];
    Reach reach{std::vector<std::int32_t>(tables.devices(), 0), kInfinite};
    const auto climb = [&](const Ladder& ladder) {
        std::vector<std::int32_t> most(tables.devices(), 0);
        std::int32_t all = 0;
        for (const Event& event : ladder) {
            if (event.cost > domain.time[k].most) {
                break;
            }
            ++most[event.device];
            ++all;
            if (event.cost >= domain.time[k].least && all >= pool.units) {
                reach.least = std::min(reach.least, event.cost);
            }
        }
        for (std::size_t d = 0; d < most.size(); ++d) {
            reach.most[d] = std::max(reach.most[d], most[d]);
        }
    };
    if (pool.slices) {
        climb(tables.slice_ladder(pool.layer, ffn));
    } else {
        for (const Ladder& ladder : tables.group_ladders(pool.layer, key, proj)) {
            climb(ladder);
        }
    }
    return reach;
}

double price(const Tables& tables, const Item& item, std::size_t d) {
    return tables.by_formula() ? item.charge[d] : 0;
}

/// Returns a cost that breaks ties: the time on lanes, weighted by their multipliers. In profile
/// `physical` all flows cost the same otherwise.
double tie_break_cost(const Tables& tables, const Domain& domain, const Item& item, std::size_t d) {
    double sum = 0;
    tables.visit_lanes(item, d, [&](std::size_t lane, double time) {
        const double weight = domain.multipliers[tables.devices() + lane] + kTieBreak;
        sum += time < kInfinite ? time / tables.lane_scale(lane) * weight : 0;
    });
    return sum;
}

/// Returns the number of integer cost units of the network per ns.
double resolution(const Tables& tables, const Domain& domain) {
    double most = 1;
    const std::size_t n = tables.devices();
    for (std::size_t k = 0; k < tables.items().size() * n; ++k) {
        const Item& item = tables.items()[k / n];
        const double p = price(tables, item, k % n) + tie_break_cost(tables, domain, item, k % n);
        most = std::max(most, p < kInfinite ? p : 0);
    }
    for (std::size_t k = 0; k < n * n; ++k) {
        const double p = tables.per_unit(k / n, k % n);
        most = std::max(most, p < kInfinite ? p : 0);
    }
    return std::exp2(std::floor(std::log2(kLargestCost / (4 * most))));
}

/// Returns the costs of the hosts, and subtracts their bytes from `left`.
double host_costs(const Tables& tables, const Draft& hosts, std::vector<Bytes>& left) {
    const std::size_t last = hosts.chain.size() - 1;
    double sum = tables.start(hosts.chain.front());
    sum += tables.finish(hosts.chain[last - 1], hosts.chain[last]);
    for (std::size_t i = 0; i <= last; ++i) {
        if (const Item* item = tables.chain_item(i, hosts.chain[0] == hosts.chain[i])) {
            sum += price(tables, *item, hosts.chain[i]);
            left[hosts.chain[i]] -= item->weight;
        }
    }
    for (std::size_t l = 0; l < hosts.proj.size(); ++l) {
        sum += tables.from_proj(l, hosts.proj[l], hosts.chain[l + 1]);
        sum += price(tables, tables.proj(l), hosts.proj[l]);
        left[hosts.proj[l]] -= tables.proj(l).weight;
    }
    return sum;
}

} // namespace

std::optional<Flow> cheapest_flow(const Tables& tables, const Domain& domain) {
    const std::optional<Bytes> weight = common_weight(tables);
    if (!domain.hosts_fixed() || !weight) {
        return std::nullopt;
    }
    const std::size_t n = tables.devices();
    Flow flow;
    flow.draft = draft_of(domain);
    std::vector<Bytes> left;
    for (std::size_t d = 0; d < n; ++d) {
        left.push_back(tables.capacity(d));
    }
    flow.bound = host_costs(tables, flow.draft, left) + domain.migration.least;
    const double scale = resolution(tables, domain);
    // Nodes: source, sink, devices, then (pool, device), then items.
    const std::size_t spots = 2 + n;
    const std::size_t items = spots + tables.pools().size() * n;
    Network network(items + tables.items().size());
    std::int32_t supply = 0;
    std::vector<std::size_t> arcs(domain.least.size());
    std::vector<std::int32_t> held(n, 0);
    for (std::size_t k = 0; k < tables.pools().size(); ++k) {
        const Pool& pool = tables.pools()[k];
        Reach reach = reach_of(tables, domain, k, flow.draft);
        flow.bound += reach.least;
        const std::size_t proj = tables.sliced() ? 0 : flow.draft.proj[pool.layer];
        for (std::size_t i = pool.first_item; i < pool.first_item + pool.items; ++i) {
            const Item& item = tables.items()[i];
            auto units = static_cast<std::int32_t>(item.blocks.size());
            for (std::size_t d = 0; d < n; ++d) {
                const std::int32_t low = domain.least[i * n + d];
                const double cost = price(tables, item, d) + tables.per_unit(d, proj);
                reach.most[d] -= low;
                held[d] += low;
                units -= low;
                flow.bound += low > 0 ? low * cost : 0;
                const std::int32_t open = cost < kInfinite ? domain.most[i * n + d] - low : 0;
                const std::size_t spot = spots + k * n + d;
                const double steered = cost + tie_break_cost(tables, domain, item, d);
                const double steps = open > 0 ? std::floor(steered * scale) : 0;
                arcs[i * n + d] =
                    network.connect(items + i, spot, open, static_cast<std::int64_t>(steps));
            }
            network.connect(0, items + i, units, 0);
            supply += units;
        }
        for (std::size_t d = 0; d < n; ++d) {
            if (reach.most[d] < 0) {
                return flow;
            }
            network.connect(spots + k * n + d, 2 + d, reach.most[d], 0);
        }
    }
    for (std::size_t d = 0; d < n; ++d) {
        const Bytes room = left[d] - held[d] * *weight;
        if (room < 0 && left[d] < tables.capacity(d)) {
            return flow;
        }
        const Bytes fit = std::max<Bytes>(0, room) / *weight;
        network.connect(2 + d, 1, static_cast<std::int32_t>(std::min<Bytes>(fit, supply)), 0);
    }
    if (!(flow.bound < kInfinite) || network.send(0, 1) < supply) {
        return flow;
    }
    flow.exists = true;
    for (std::size_t k = 0; k < arcs.size(); ++k) {
        const std::int32_t carried = network.carried(arcs[k]);
        flow.draft.units[k] += carried;
        if (tables.by_formula()) {
            flow.bound += static_cast<double>(carried * network.cost(arcs[k])) / scale;
        }
    }
    return flow;
}

} // namespace headroom::scheduler::exact
