#include "scheduler/layers/shard_chain.hpp"

#include <algorithm>
#include <utility>

#include "scheduler/layers/shard_descent.hpp"
#include "scheduler/layers/shard_labels.hpp"
#include "scheduler/layers/shard_rules.hpp"

namespace headroom::scheduler {
namespace {

using Limits = ShardLabels::Limits;

/// Up to so many devices, or layers × devices, a complete pass is to prove the optimum.
constexpr std::size_t kFewDevices = 12;
constexpr std::size_t kSmallSize = 320;
constexpr Limits kFirst = {1'000, 4}; ///< of the pass that finds a first chain
constexpr Limits kFirstIfImproved = {200, 2};
constexpr Limits kFirstIfProved = {50'000, 8};
constexpr Limits kIfNoneFound = {1'000'000, 8};
constexpr Limits kProof = {1'000'000, 0};
constexpr Limits kProofOfFew = {3'000'000, 0};
constexpr int kBoundRounds = 40;           ///< to make the bounds of the complete pass better
constexpr std::int64_t kDescentWork = 150; ///< timed shards per layer and device
constexpr std::int64_t kShortDescentWork = 30;

Nanoseconds slowest_stage(const LayerCosts& costs, const std::vector<Shard>& shards) {
    Nanoseconds slowest = costs.beside_layers(0);
    std::size_t from = 0;
    for (const Shard& shard : shards) {
        const Nanoseconds layers = costs.time_alone(shard.first, shard.last, shard.device);
        slowest = std::max(slowest, costs.beside_layers(shard.device) + layers);
        slowest =
            shard.device == from ? slowest : std::max(slowest, costs.busy(from, shard.device));
        from = shard.device;
    }
    return std::max(slowest, costs.busy_back(from));
}

Chain chain_of(const LayerCosts& costs, std::vector<Shard> shards, Nanoseconds latency) {
    Chain chain;
    std::erase_if(shards, [](const Shard& shard) { return shard.first == shard.last; });
    chain.stage = slowest_stage(costs, shards);
    chain.latency = latency;
    chain.shards = std::move(shards);
    return chain;
}

/// Returns the fastest chain in the given order. No device can occur twice, so the path is exact.
Chain ordered_chain(const LayerCosts& costs, const ShardRules& rules) {
    const ShardBounds bounds(costs, rules);
    Chain chain;
    std::vector<Shard> shards = bounds.path();
    if (!shards.empty()) {
        chain = chain_of(costs, std::move(shards), bounds.least());
    }
    chain.proven = true;
    const auto n = static_cast<std::int64_t>(costs.devices());
    chain.work = static_cast<std::int64_t>(costs.layers()) * n * n;
    return chain;
}

/// How good a chain in any order of devices is to be: any that obeys the rules, one that a descent
/// has improved, or the fastest that can be found.
enum class Wanted { any, improved, fastest };

/// Returns whether free_chain() is to prove that a chain is the fastest.
bool is_small(const LayerCosts& costs) {
    return costs.devices() <= kFewDevices || costs.layers() * costs.devices() <= kSmallSize;
}

/// Makes the chain faster by a descent. In small problems a complete pass then looks for a better
/// one: if there is none, the chain stays as it was before the descent.
void improve(
    const LayerCosts& costs,
    const ShardRules& rules,
    ShardBounds& bounds,
    Wanted wanted,
    ShardLabels::Found& found
) {
    ShardLabels::Found better = found;
    ShardDescent descent(costs, rules);
    const auto size = static_cast<std::int64_t>(costs.layers() * costs.devices());
    better.latency = descent.improve(
        better.shards, (wanted == Wanted::fastest ? kDescentWork : kShortDescentWork) * size
    );
    better.work += descent.work();
    if (is_small(costs) && wanted == Wanted::fastest) {
        raise_prices(bounds, costs, better.latency, kBoundRounds);
        ShardLabels::Found proven =
            ShardLabels(costs, rules, bounds)
                .run(better.latency + 1, costs.devices() <= kFewDevices ? kProofOfFew : kProof);
        proven.work += better.work;
        better = proven.complete ? std::move(proven) : std::move(better);
    }
    found.complete = better.complete;
    found.work = better.work;
    if (better.latency < found.latency) {
        found = std::move(better);
    }
}

/// Searches with a narrow beam first. If more than any chain is wanted, the result is improved.
Chain free_chain(const LayerCosts& costs, const ShardRules& rules, Wanted wanted) {
    ShardBounds bounds(costs, rules);
    ShardLabels labels(costs, rules, bounds);
    const Limits& limits = wanted == Wanted::improved                     ? kFirstIfImproved
                           : wanted == Wanted::fastest && is_small(costs) ? kFirstIfProved
                                                                          : kFirst;
    ShardLabels::Found found = labels.run(kNoChain, limits);
    if (found.shards.empty() && !found.complete) {
        const std::int64_t work = found.work;
        found = labels.run(kNoChain, kIfNoneFound);
        found.work += work;
    }
    if (!found.shards.empty() && !found.complete && wanted != Wanted::any) {
        improve(costs, rules, bounds, wanted, found);
    }
    Chain chain;
    if (!found.shards.empty()) {
        chain = chain_of(costs, std::move(found.shards), found.latency);
    }
    chain.proven = found.complete;
    chain.work = found.work;
    return chain;
}

Chain any_chain(
    const LayerCosts& costs, ChainOrder order, Nanoseconds longest, Wanted wanted = Wanted::any
) {
    const ShardRules rules(costs, order, longest);
    return order == ChainOrder::given ? ordered_chain(costs, rules)
                                      : free_chain(costs, rules, wanted);
}

/// Returns a lower bound of the slowest stage: with shorter ones the devices could not hold all
/// layers.
Nanoseconds least_stage(const LayerCosts& costs, ChainOrder order, Nanoseconds most) {
    Nanoseconds low = costs.beside_layers(0);
    while (low < most) {
        const Nanoseconds middle = low + (most - low) / 2;
        const ShardRules rules(costs, order, middle);
        std::size_t capacity = 0;
        for (std::size_t j = 0; j < costs.devices(); ++j) {
            capacity += rules.capacity(j);
        }
        if (capacity >= costs.layers()) {
            most = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

} // namespace

Chain fastest_chain(const LayerCosts& costs, ChainOrder order, Nanoseconds longest_stage) {
    return any_chain(costs, order, longest_stage, Wanted::fastest);
}

Chain heuristic_chain(const LayerCosts& costs) {
    return any_chain(costs, ChainOrder::any, kNever, Wanted::improved);
}

Chain min_bottleneck_chain(const LayerCosts& costs, ChainOrder order) {
    Chain best = any_chain(costs, order, kNever);
    if (best.shards.empty()) {
        return best;
    }
    std::int64_t work = best.work;
    bool proven = true;
    Nanoseconds low = least_stage(costs, order, best.stage);
    // The lower bound is often reached. Otherwise the limit rises in growing steps, because with
    // short stages there are few shards to look at. After the first success the rest is bisection.
    Nanoseconds step = 1;
    for (bool rising = true; low < best.stage;) {
        const Nanoseconds middle =
            rising ? std::min(low + step - 1, best.stage - 1) : low + (best.stage - low - 1) / 2;
        Chain chain = any_chain(costs, order, middle);
        work += chain.work;
        if (chain.shards.empty()) {
            proven = proven && chain.proven;
            low = middle + 1;
            step = std::max<Nanoseconds>({2 * step, (best.stage - low) / 64, 1});
        } else {
            best = std::move(chain);
            rising = false;
        }
    }
    const Nanoseconds stage = best.stage;
    Chain fastest = fastest_chain(costs, order, stage);
    if (!fastest.shards.empty()) {
        best = std::move(fastest);
    }
    best.proven = best.proven && proven;
    best.work += work;
    return best;
}

} // namespace headroom::scheduler
