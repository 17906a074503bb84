#include "scheduler/construct/shard_chain.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>

#include "base/check.hpp"

namespace headroom::scheduler {
namespace {

/// The time of a chain that does not exist. A sum of two such times does not overflow.
constexpr Nanoseconds kNoChain = std::numeric_limits<Nanoseconds>::max() / 4;
constexpr std::int64_t kMostExtensions = 1'000'000; ///< limit on extensions, about 0.2 µs each
constexpr std::size_t kFewDevices = 16;
constexpr std::int64_t kMostExtensionsOfFew = 6'000'000; ///< for few devices: it often is a proof
constexpr std::int64_t kFirstExtensions = 50'000;        ///< limit of the first, narrow search
constexpr std::size_t kLeastWidth = 8;
constexpr std::uint32_t kNoLabel = std::numeric_limits<std::uint32_t>::max();

/// Says which shards and hops a chain may have. A shard must fit on its device, and neither a shard
/// nor a hop may take longer than the longest stage.
class Rules {
  public:
    Rules(const LayerCosts& costs, ChainOrder order, Nanoseconds longest)
        : costs_(costs), order_(order), longest_(longest), ends_(costs.devices()) {
        HEADROOM_CHECK(costs.devices() <= kMaxLayerHosts, "{} hosts", costs.devices());
        for (std::size_t j = 0; j < costs.devices(); ++j) {
            std::size_t last = 0;
            for (std::size_t first = 0; first < costs.layers(); ++first) {
                last = std::max(last, first);
                while (last < costs.layers() && allows(first, last + 1, j)) {
                    ++last;
                }
                ends_[j].push_back(last);
            }
        }
    }

    /// Returns the end of the longest shard that begins at `first` on j; `first` if there is none.
    [[nodiscard]] std::size_t end(std::size_t first, std::size_t j) const {
        return ends_[j][first];
    }
    /// Returns the most layers that j can hold in one shard.
    [[nodiscard]] std::size_t capacity(std::size_t j) const {
        std::size_t most = 0;
        for (std::size_t first = 0; first < costs_.layers(); ++first) {
            most = std::max(most, ends_[j][first] - first);
        }
        return most;
    }
    [[nodiscard]] bool may_follow(std::size_t from, std::size_t to) const {
        return to != 0 && (order_ == ChainOrder::any ? to != from : to > from) &&
               costs_.busy(from, to) <= longest_;
    }
    [[nodiscard]] bool may_finish(std::size_t j) const { return costs_.busy_back(j) <= longest_; }
    /// Returns whether the source has room for the ends and lm_head takes no longer than the
    /// longest stage.
    [[nodiscard]] bool may_start() const {
        return costs_.lm_head() <= longest_ && costs_.has_room_for_ends();
    }
    [[nodiscard]] std::size_t min_layers_on_source() const {
        return order_ == ChainOrder::any ? 1 : 0;
    }

  private:
    [[nodiscard]] bool allows(std::size_t first, std::size_t last, std::size_t j) const {
        const Nanoseconds own = j == 0 ? costs_.lm_head() : 0;
        return costs_.fits(first, last, j) && costs_.time_alone(first, last, j) <= longest_ - own;
    }

    const LayerCosts& costs_;
    ChainOrder order_;
    Nanoseconds longest_;
    std::vector<std::vector<std::size_t>> ends_; ///< [device][first]
};

/// Computes the recurrence backwards, without sets of used devices. The result is exact if the
/// order is given; otherwise it is a lower bound of the time that is still to come.
class CostToGo {
  public:
    CostToGo(const LayerCosts& costs, const Rules& rules)
        : devices_(costs.devices()), time_((costs.layers() + 1) * devices_, kNoChain),
          next_(time_.size()) {
        for (std::size_t j = 0; j < devices_; ++j) {
            time_[costs.layers() * devices_ + j] = rules.may_finish(j) ? costs.finish(j) : kNoChain;
        }
        for (std::size_t i = costs.layers(); i-- > 0;) {
            tabulate(i, costs, rules);
        }
    }

    /// Returns the time from x on j after i layers to the end of the step.
    [[nodiscard]] Nanoseconds time(std::size_t i, std::size_t j) const {
        return time_[i * devices_ + j];
    }
    [[nodiscard]] const Shard& next(std::size_t i, std::size_t j) const {
        return next_[i * devices_ + j];
    }

  private:
    void tabulate(std::size_t i, const LayerCosts& costs, const Rules& rules) {
        for (std::size_t k = 1; k < devices_; ++k) {
            Shard shard{k, i, i};
            Nanoseconds rest = kNoChain; // the time after layer i
            for (std::size_t last = i + 1; last <= rules.end(i, k); ++last) {
                const Nanoseconds t = costs.time_alone(i + 1, last, k) + time(last, k);
                if (t < rest) {
                    rest = t;
                    shard.last = last;
                }
            }
            if (rest >= kNoChain) {
                continue;
            }
            for (std::size_t j = 0; j < devices_; ++j) {
                const std::size_t at = i * devices_ + j;
                const Nanoseconds t = costs.time_after_hop(i, j, k) + rest;
                if (rules.may_follow(j, k) && t < time_[at]) {
                    time_[at] = t;
                    next_[at] = shard;
                }
            }
        }
    }

    std::size_t devices_;
    std::vector<Nanoseconds> time_; ///< [layers done][device]
    std::vector<Shard> next_;
};

Nanoseconds slowest_stage(const LayerCosts& costs, const std::vector<Shard>& shards) {
    Nanoseconds slowest = costs.lm_head();
    std::size_t from = 0;
    for (const Shard& shard : shards) {
        const Nanoseconds own = shard.device == 0 ? costs.lm_head() : 0;
        slowest = std::max(slowest, own + costs.time_alone(shard.first, shard.last, shard.device));
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

/// Returns the fastest chain in the given order. No device can occur twice, so CostToGo is exact.
Chain ordered_chain(const LayerCosts& costs, const Rules& rules) {
    const CostToGo to_go(costs, rules);
    std::optional<Shard> best;
    Nanoseconds least = kNoChain;
    for (std::size_t i = 0; rules.may_start() && i <= rules.end(0, 0); ++i) {
        const Nanoseconds t = costs.time_alone(0, i, 0) + to_go.time(i, 0);
        if (t < least) {
            least = t;
            best = Shard{0, 0, i};
        }
    }
    Chain chain;
    if (best) {
        std::vector<Shard> shards{*best};
        while (shards.back().last < costs.layers()) {
            shards.push_back(to_go.next(shards.back().last, shards.back().device));
        }
        chain = chain_of(costs, std::move(shards), least);
    }
    chain.proven = true;
    const auto n = static_cast<std::int64_t>(costs.devices());
    chain.work = static_cast<std::int64_t>(costs.layers()) * n * n;
    return chain;
}

using DeviceSet = std::array<std::uint64_t, kMaxLayerHosts / 64>;

bool has(const DeviceSet& set, std::size_t j) {
    return (set[j / 64] >> (j % 64) & 1U) != 0;
}

/// A partial chain, from the first layer on.
struct Label {
    Nanoseconds time = 0;
    Nanoseconds bound = 0; ///< lower bound of the chains that begin with it
    DeviceSet used{};
    std::size_t capacity = 0; ///< layers that unused devices can hold
    std::uint32_t device = 0;
    std::uint32_t first = 0;         ///< first layer of the last shard
    std::uint32_t before = kNoLabel; ///< the label without the last shard
};

bool has_less_bound(const Label& a, const Label& b) {
    return std::tie(a.bound, a.device, a.used) < std::tie(b.bound, b.device, b.used);
}

/// A beam search that extends labels in one pass from the first layer to the last.
class LabelSearch {
  public:
    LabelSearch(const LayerCosts& costs, const Rules& rules, const CostToGo& to_go)
        : costs_(costs), rules_(rules), to_go_(to_go), labels_(costs.layers() + 1) {
        for (std::size_t j = 0; j < costs.devices(); ++j) {
            capacity_.push_back(rules.capacity(j));
            branching_ += static_cast<std::int64_t>(capacity_.back());
        }
    }

    /// Returns the fastest chain found that is faster than `limit`, with about `work` extensions.
    Chain run(Nanoseconds limit, std::int64_t work) {
        limit_ = limit;
        start();
        bool cut = false;
        std::int64_t done = 0;
        for (std::size_t i = 1; i < costs_.layers(); ++i) {
            const auto left = static_cast<std::int64_t>(costs_.layers() - i);
            cut |=
                prune(labels_[i], (work - done) / (left * std::max<std::int64_t>(branching_, 1)));
            for (std::uint32_t n = 0; n < labels_[i].size(); ++n) {
                done += extend(i, n);
            }
        }
        Chain chain = best();
        chain.proven = !cut;
        chain.work = done;
        return chain;
    }

  private:
    void start() {
        labels_.assign(labels_.size(), {});
        std::size_t capacity = 0;
        for (std::size_t j = 1; j < capacity_.size(); ++j) {
            capacity += capacity_[j];
        }
        DeviceSet used{};
        used[0] = 1;
        for (std::size_t i = rules_.min_layers_on_source();
             rules_.may_start() && i <= rules_.end(0, 0);
             ++i) {
            offer(i, {costs_.time_alone(0, i, 0), 0, used, capacity, 0, 0, kNoLabel});
        }
    }

    void offer(std::size_t i, Label label) {
        label.bound = label.time + to_go_.time(i, label.device);
        if (label.bound < limit_ && label.capacity >= costs_.layers() - i) {
            labels_[i].push_back(label);
        }
    }

    std::int64_t extend(std::size_t i, std::uint32_t n) {
        std::int64_t looked_at = 0;
        for (std::size_t k = 1; k < costs_.devices(); ++k) {
            const Label& from = labels_[i][n];
            if (has(from.used, k) || !rules_.may_follow(from.device, k)) {
                continue;
            }
            const Nanoseconds entered = from.time + costs_.time_after_hop(i, from.device, k);
            Label to{0, 0, from.used, from.capacity - capacity_[k], static_cast<std::uint32_t>(k)};
            to.used[k / 64] |= std::uint64_t{1} << (k % 64);
            to.first = static_cast<std::uint32_t>(i);
            to.before = n;
            for (std::size_t last = i + 1; last <= rules_.end(i, k); ++last) {
                to.time = entered + costs_.time_alone(i + 1, last, k);
                offer(last, to);
                ++looked_at;
            }
        }
        return looked_at;
    }

    /// Keeps the fastest label of each last device and set, and of these the ones with the least
    /// bounds. Returns whether labels were dropped because the beam was full.
    static bool prune(std::vector<Label>& labels, std::int64_t most) {
        const auto width =
            std::max(kLeastWidth, static_cast<std::size_t>(std::max<std::int64_t>(most, 0)));
        std::sort(labels.begin(), labels.end(), [](const Label& a, const Label& b) {
            return std::tie(a.device, a.used, a.time, a.first, a.before) <
                   std::tie(b.device, b.used, b.time, b.first, b.before);
        });
        const auto same = [](const Label& a, const Label& b) {
            return a.device == b.device && a.used == b.used;
        };
        labels.erase(std::unique(labels.begin(), labels.end(), same), labels.end());
        if (labels.size() <= width) {
            return false;
        }
        std::sort(labels.begin(), labels.end(), has_less_bound);
        labels.resize(width);
        return true;
    }

    [[nodiscard]] Chain best() const {
        const std::vector<Label>& ends = labels_.back();
        const auto least = std::min_element(ends.begin(), ends.end(), has_less_bound);
        if (least == ends.end()) {
            return {};
        }
        std::vector<Shard> shards;
        std::size_t last = costs_.layers();
        for (const Label* label = &*least;; label = &labels_[last][label->before]) {
            shards.push_back({label->device, label->first, last});
            last = label->first;
            if (label->before == kNoLabel) {
                break;
            }
        }
        std::reverse(shards.begin(), shards.end());
        return chain_of(costs_, std::move(shards), least->bound);
    }

    const LayerCosts& costs_;
    const Rules& rules_;
    const CostToGo& to_go_;
    std::vector<std::size_t> capacity_; ///< [device]: most layers in one shard
    std::int64_t branching_ = 0;        ///< most extensions of a label
    Nanoseconds limit_ = kNoChain;
    std::vector<std::vector<Label>> labels_; ///< [layers done]
};

/// Searches with a narrow beam first. The time of the chain found then limits the wide search.
Chain free_chain(const LayerCosts& costs, const Rules& rules, bool any_will_do) {
    const CostToGo to_go(costs, rules);
    LabelSearch search(costs, rules, to_go);
    Chain found = search.run(kNoChain, kFirstExtensions);
    if (found.proven || (any_will_do && !found.shards.empty())) {
        return found;
    }
    const Nanoseconds than = found.shards.empty() ? kNoChain : found.latency;
    const bool few = !any_will_do && costs.devices() <= kFewDevices;
    Chain better = search.run(than, few ? kMostExtensionsOfFew : kMostExtensions);
    better.work += found.work;
    if (better.shards.empty() && !found.shards.empty()) {
        found.proven = better.proven;
        found.work = better.work;
        return found;
    }
    return better;
}

Chain any_chain(
    const LayerCosts& costs, ChainOrder order, Nanoseconds longest, bool any_will_do = true
) {
    const Rules rules(costs, order, longest);
    return order == ChainOrder::given ? ordered_chain(costs, rules)
                                      : free_chain(costs, rules, any_will_do);
}

/// Returns a lower bound of the slowest stage: with shorter ones the devices could not hold all
/// layers.
Nanoseconds least_stage(const LayerCosts& costs, ChainOrder order, Nanoseconds most) {
    Nanoseconds low = costs.lm_head();
    while (low < most) {
        const Nanoseconds middle = low + (most - low) / 2;
        const Rules rules(costs, order, middle);
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
    return any_chain(costs, order, longest_stage, false);
}

Chain heuristic_chain(const LayerCosts& costs) {
    return any_chain(costs, ChainOrder::any, kNever);
}

Chain min_bottleneck_chain(const LayerCosts& costs, ChainOrder order) {
    Chain best = any_chain(costs, order, kNever);
    if (best.shards.empty()) {
        return best;
    }
    std::int64_t work = best.work;
    bool proven = true;
    Nanoseconds low = least_stage(costs, order, best.stage);
    // The limit first rises in growing steps, because with short stages there are few shards to
    // look at. After the first success the rest is bisection.
    Nanoseconds step = std::max<Nanoseconds>((best.stage - low) / 64, 1);
    for (bool rising = true; low < best.stage;) {
        const Nanoseconds middle =
            rising ? std::min(low + step - 1, best.stage - 1) : low + (best.stage - low - 1) / 2;
        Chain chain = any_chain(costs, order, middle);
        work += chain.work;
        if (chain.shards.empty()) {
            proven = proven && chain.proven;
            low = middle + 1;
            step *= 2;
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
