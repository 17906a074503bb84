#include "scheduler/layers/shard_rules.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"

namespace headroom::scheduler {

ShardRules::ShardRules(const LayerCosts& costs, ChainOrder order, Nanoseconds longest)
    : costs_(&costs), order_(order), longest_(longest), capacity_(costs.devices(), 0) {
    HEADROOM_CHECK(costs.devices() <= kMaxLayerHosts, "{} hosts", costs.devices());
    ends_.reserve(costs.devices() * costs.layers());
    for (std::size_t j = 0; j < costs.devices(); ++j) {
        std::size_t last = 0;
        for (std::size_t first = 0; first < costs.layers(); ++first) {
            last = std::max(last, first);
            while (last < costs.layers() && allows(first, last + 1, j)) {
                ++last;
            }
            ends_.push_back(last);
            capacity_[j] = std::max(capacity_[j], last - first);
        }
    }
}

ShardBounds::ShardBounds(const LayerCosts& costs, const ShardRules& rules)
    : costs_(&costs), rules_(&rules), prices_(costs.devices(), 0),
      paths_(2 * costs.layers() + 1, costs.devices(), kNoChain) {
    for (std::size_t j = 0; j < costs.devices(); ++j) {
        paths_.at(2 * costs.layers(), j) = rules.may_finish(j) ? costs.finish(j) : kNoChain;
    }
    solve();
}

void ShardBounds::solve() {
    for (std::size_t i = costs_->layers(); i-- > 0;) {
        solve_shards(i);
        paths_.backward(2 * i, [&](std::size_t from, std::size_t to) { return hop(i, from, to); });
    }
}

/// Computes after_first() of layer i: the best end of the shard that begins with it.
void ShardBounds::solve_shards(std::size_t i) {
    for (std::size_t j = 1; j < costs_->devices(); ++j) {
        Nanoseconds rest = kNoChain;
        for (std::size_t last = i + 1; last <= rules_->end(i, j); ++last) {
            rest = std::min(rest, costs_->time_alone(i + 1, last, j) + to_go(last, j));
        }
        paths_.at(2 * i + 1, j) = rest;
    }
}

Shard ShardBounds::shard_from(std::size_t i, std::size_t j) const {
    std::size_t last = i + 1;
    while (costs_->time_alone(i + 1, last, j) + to_go(last, j) != after_first(i, j)) {
        ++last;
    }
    return {j, i, last};
}

std::vector<Shard> ShardBounds::path() const {
    std::vector<Shard> shards;
    Nanoseconds least = kNoChain;
    for (std::size_t i = rules_->min_layers_on_source();
         rules_->may_start() && i <= rules_->end(0, 0);
         ++i) {
        const Nanoseconds time = costs_->time_alone(0, i, 0) + to_go(i, 0);
        if (time < least) {
            least = time;
            shards = {{0, 0, i}};
        }
    }
    while (!shards.empty() && shards.back().last < costs_->layers()) {
        const std::size_t i = shards.back().last;
        const std::size_t to =
            paths_.after(2 * i, shards.back().device, [&](std::size_t from, std::size_t j) {
                return hop(i, from, j);
            });
        shards.push_back(shard_from(i, to));
    }
    return shards;
}

Nanoseconds ShardBounds::least() const {
    Nanoseconds least = kNoChain;
    for (std::size_t i = rules_->min_layers_on_source();
         rules_->may_start() && i <= rules_->end(0, 0);
         ++i) {
        least = std::min(least, costs_->time_alone(0, i, 0) + to_go(i, 0));
    }
    for (const Nanoseconds price : prices_) {
        least -= price;
    }
    return least;
}

Nanoseconds raise_prices(
    ShardBounds& bounds, const LayerCosts& costs, Nanoseconds latency, int rounds
) {
    constexpr double kFirstStep = 1.0; // of the step that would close the gap if bounds were linear
    constexpr int kPatience = 3;       // rounds without a better bound until the step is halved
    Nanoseconds best = bounds.least();
    std::vector<Nanoseconds> best_prices = bounds.prices();
    double step = kFirstStep;
    int idle = 0;
    for (int round = 0; round < rounds && best < latency; ++round) {
        std::vector<std::int64_t> slope(costs.devices(), -1);
        for (const Shard& shard : bounds.path()) {
            ++slope[shard.device];
        }
        slope[0] = 0; // the source is never entered again
        double norm = 0;
        for (std::size_t j = 0; j < slope.size(); ++j) {
            slope[j] = slope[j] < 0 && bounds.price(j) == 0 ? 0 : slope[j];
            norm += static_cast<double>(slope[j] * slope[j]);
        }
        if (norm == 0) {
            break; // the path is a chain and uses all priced devices: nothing is better
        }
        const double length = step * static_cast<double>(latency - bounds.least()) / norm;
        for (std::size_t j = 0; j < slope.size(); ++j) {
            Nanoseconds& price = bounds.prices()[j];
            price += static_cast<Nanoseconds>(length * static_cast<double>(slope[j]));
            price = std::max<Nanoseconds>(price, 0);
        }
        bounds.solve();
        if (bounds.least() > best) {
            best = bounds.least();
            best_prices = bounds.prices();
            idle = 0;
        } else if (++idle == kPatience) {
            step /= 2;
            idle = 0;
        }
    }
    bounds.prices() = std::move(best_prices);
    bounds.solve();
    return best;
}

} // namespace headroom::scheduler
