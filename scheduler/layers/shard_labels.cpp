#include "scheduler/layers/shard_labels.hpp"

#include <algorithm>
#include <tuple>

namespace headroom::scheduler {
namespace {

bool has(const DeviceSet& set, std::size_t j) {
    return (set[j / 64] >> (j % 64) & 1U) != 0;
}

bool has_less_bound(const ShardLabel& a, const ShardLabel& b) {
    return std::tie(a.bound, a.device, a.used) < std::tie(b.bound, b.device, b.used);
}

/// Keeps the fastest label of each last device and set, and of these at most `width` with the least
/// bounds. Returns whether labels were dropped because the beam was full.
bool prune(std::vector<ShardLabel>& labels, std::size_t width) {
    std::sort(labels.begin(), labels.end(), [](const ShardLabel& a, const ShardLabel& b) {
        return std::tie(a.device, a.used, a.time, a.first, a.before) <
               std::tie(b.device, b.used, b.time, b.first, b.before);
    });
    const auto same = [](const ShardLabel& a, const ShardLabel& b) {
        return a.device == b.device && a.used == b.used;
    };
    labels.erase(std::unique(labels.begin(), labels.end(), same), labels.end());
    if (labels.size() <= width) {
        return false;
    }
    const auto end = labels.begin() + static_cast<std::ptrdiff_t>(width);
    std::nth_element(labels.begin(), end, labels.end(), has_less_bound);
    labels.erase(end, labels.end());
    std::sort(labels.begin(), labels.end(), has_less_bound);
    return true;
}

} // namespace

ShardLabels::ShardLabels(
    const LayerCosts& costs, const ShardRules& rules, const ShardBounds& bounds
)
    : costs_(costs), rules_(rules), bounds_(bounds), labels_(costs.layers() + 1) {
    for (std::size_t j = 0; j < costs.devices(); ++j) {
        branching_ += static_cast<std::int64_t>(rules.capacity(j));
    }
}

ShardLabels::Found ShardLabels::run(Nanoseconds time, Limits limits) {
    limit_ = time;
    start();
    bool cut = false;
    std::int64_t done = 0;
    const bool drops = limits.least_width > 0;
    for (std::size_t i = 0; i < costs_.layers(); ++i) {
        const auto left = static_cast<std::int64_t>(costs_.layers() - i);
        const std::int64_t share = left * std::max<std::int64_t>(branching_, 1);
        const std::int64_t width = std::max((limits.work - done) / share, limits.least_width);
        cut |= prune(labels_[i], drops ? static_cast<std::size_t>(width) : labels_[i].size());
        for (std::uint32_t n = 0; n < labels_[i].size(); ++n) {
            if (!drops && done > limits.work) {
                return {{}, 0, false, done};
            }
            done += extend(i, n);
        }
    }
    Found found = best();
    found.complete = !cut;
    found.work = done;
    return found;
}

void ShardLabels::start() {
    for (std::vector<ShardLabel>& labels : labels_) {
        labels.clear();
    }
    ShardLabel label;
    label.used[0] = 1;
    for (std::size_t j = 1; j < costs_.devices(); ++j) {
        label.capacity += rules_.capacity(j);
        label.discount += bounds_.price(j);
    }
    for (std::size_t i = rules_.min_layers_on_source(); rules_.may_start() && i <= rules_.end(0, 0);
         ++i) {
        label.time = costs_.time_alone(0, i, 0);
        offer(i, label);
    }
}

void ShardLabels::offer(std::size_t i, ShardLabel& label) {
    label.bound =
        label.time + bounds_.to_go(i, label.device) - (i < costs_.layers() ? label.discount : 0);
    if (label.bound < limit_ && label.capacity >= costs_.layers() - i) {
        labels_[i].push_back(label);
    }
}

std::int64_t ShardLabels::extend(std::size_t i, std::uint32_t n) {
    std::int64_t looked_at = 0;
    const ShardLabel from = labels_[i][n];
    for (std::size_t k = 1; k < costs_.devices(); ++k) {
        if (has(from.used, k) || !rules_.may_follow(from.device, k)) {
            continue;
        }
        ++looked_at;
        const Nanoseconds entered = from.time + costs_.time_after_hop(i, from.device, k);
        const Nanoseconds discount = from.discount - bounds_.price(k);
        if (entered + bounds_.after_first(i, k) - discount >= limit_) {
            continue;
        }
        ShardLabel to = from;
        to.discount = discount;
        to.capacity -= rules_.capacity(k);
        to.used[k / 64] |= std::uint64_t{1} << (k % 64);
        to.device = static_cast<std::uint32_t>(k);
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

ShardLabels::Found ShardLabels::best() const {
    const std::vector<ShardLabel>& ends = labels_.back();
    const auto least = std::min_element(ends.begin(), ends.end(), has_less_bound);
    Found found;
    if (least == ends.end()) {
        return found;
    }
    found.latency = least->time + costs_.finish(least->device);
    const ShardLabel* label = &*least;
    std::size_t last = costs_.layers();
    for (; label->device != 0; label = &labels_[label->first][label->before]) {
        found.shards.push_back({label->device, label->first, last});
        last = label->first;
    }
    found.shards.push_back({0, 0, last});
    std::reverse(found.shards.begin(), found.shards.end());
    return found;
}

} // namespace headroom::scheduler
