#include "scheduler/construct/spread_paper.hpp"

#include <algorithm>
#include <compare>
#include <numeric>
#include <utility>

namespace headroom::scheduler {
namespace {

constexpr std::size_t kMostConsidered = 64; // devices of a large fleet

struct Spread {
    std::vector<std::int32_t> counts;
    Nanoseconds gathered = 0;
};

/// Returns the spread with the least transfer time in which device j takes at most max_units[j]
/// groups. `order` has the devices by the transfer time of one group. Precondition: n groups fit.
Spread cheapest(
    const StepDelay& step,
    std::size_t proj,
    const std::vector<std::int32_t>& max_units,
    const std::vector<std::size_t>& order,
    std::int32_t n
) {
    Spread spread{std::vector<std::int32_t>(max_units.size(), 0), 0};
    std::int32_t left = n;
    for (const std::size_t j : order) {
        const std::int32_t here = std::min(left, max_units[j]);
        // If only the slowest sender counts, the loop below gives groups to the other devices.
        if (step.gathers_max() && j != proj) {
            continue;
        }
        spread.counts[j] = here;
        spread.gathered += step.outputs_time(j, proj, here);
        left -= here;
    }
    for (; step.gathers_max() && left > 0; --left) {
        std::size_t best = max_units.size();
        Nanoseconds least = kNever;
        for (const std::size_t j : order) {
            if (spread.counts[j] < max_units[j] &&
                step.outputs_time(j, proj, spread.counts[j] + 1) < least) {
                best = j;
                least = step.outputs_time(j, proj, spread.counts[j] + 1);
            }
        }
        ++spread.counts[best];
        spread.gathered = std::max(spread.gathered, least);
    }
    return spread;
}

/// Returns the devices that may take groups, by the transfer time of one group to proj.
std::vector<std::size_t> by_transfer(
    const StepDelay& step, std::size_t proj, const std::vector<std::int32_t>& max_units
) {
    std::vector<std::pair<Nanoseconds, std::size_t>> ranked;
    for (std::size_t j = 0; j < max_units.size(); ++j) {
        if (max_units[j] > 0) {
            ranked.emplace_back(step.outputs_time(j, proj, 1), j);
        }
    }
    std::sort(ranked.begin(), ranked.end());
    std::vector<std::size_t> order;
    for (const auto& [time, j] : ranked) {
        order.push_back(j);
    }
    return order;
}

/// Shortens `order` to the first kMostConsidered devices, or to more if those cannot hold all
/// groups twice. Returns max_units with 0 for the other devices.
std::vector<std::int32_t> limit_to_nearest(
    std::vector<std::size_t>& order, const std::vector<std::int32_t>& max_units, std::int32_t n
) {
    std::vector<std::int32_t> few(max_units.size(), 0);
    std::int64_t held = 0;
    std::size_t kept = 0;
    for (; kept < order.size() && (kept < kMostConsidered || held < 2 * n); ++kept) {
        few[order[kept]] = max_units[order[kept]];
        held += max_units[order[kept]];
    }
    order.resize(kept);
    return few;
}

/// The number of groups that each device can compute within a time, at most its limit.
class Capacity {
  public:
    Capacity(const StepDelay& step, std::size_t layer, const std::vector<std::int32_t>& max_units)
        : max_units_(&max_units), within_(max_units.size()) {
        for (std::size_t j = 0; j < max_units.size(); ++j) {
            each_.push_back(step.group_time(layer, j));
            if (max_units[j] > 0) {
                able_.push_back(j);
            }
        }
    }

    const std::vector<std::int32_t>& in(Nanoseconds time) {
        for (const std::size_t j : able_) {
            const Nanoseconds most = (*max_units_)[j];
            within_[j] =
                static_cast<std::int32_t>(each_[j] == 0 ? most : std::min(most, time / each_[j]));
        }
        return within_;
    }

    /// Returns the least time within which the devices can compute n groups together. Precondition:
    /// their limits admit n groups.
    [[nodiscard]] Nanoseconds least_for(std::int32_t n) {
        Nanoseconds low = 0;
        Nanoseconds high = n * *std::max_element(each_.begin(), each_.end());
        while (low < high) {
            const Nanoseconds middle = low + (high - low) / 2;
            const std::vector<std::int32_t>& counts = in(middle);
            const bool enough = std::accumulate(counts.begin(), counts.end(), std::int64_t{0}) >= n;
            (enough ? high : low) = enough ? middle : middle + 1;
        }
        return low;
    }

    /// The time at which a device has computed one more group.
    struct Completion {
        Nanoseconds time = 0;
        std::size_t device = 0;
        auto operator<=>(const Completion&) const = default;
    };
    /// Returns the completions in [low, high), in ascending order.
    [[nodiscard]] std::vector<Completion> completions(Nanoseconds low, Nanoseconds high) const {
        std::vector<Completion> completions;
        for (const std::size_t j : able_) {
            for (Nanoseconds k = each_[j] == 0 ? 1 : (low + each_[j] - 1) / each_[j];
                 each_[j] > 0 && k <= (*max_units_)[j] && k * each_[j] < high;
                 ++k) {
                completions.push_back({k * each_[j], j});
            }
        }
        std::ranges::sort(completions);
        return completions;
    }

  private:
    const std::vector<std::int32_t>* max_units_;
    std::vector<Nanoseconds> each_;
    std::vector<std::size_t> able_; ///< devices with a limit above 0
    std::vector<std::int32_t> within_;
};

/// Keeps track of the device with groups whose transfer takes longest. It gives up a group when
/// another device can compute one more.
class FarthestDevice {
  public:
    FarthestDevice(const std::vector<std::size_t>& order, const std::vector<std::int32_t>& counts)
        : order_(&order), position_(counts.size(), order.size()) {
        for (std::size_t i = 0; i < order.size(); ++i) {
            position_[order[i]] = i;
            last_ = counts[order[i]] > 0 ? i : last_;
        }
    }

    /// Moves a group to this device if its transfer takes less time from there. Precondition: the
    /// device had as many groups as it could compute.
    void give_group_to(
        std::size_t device, const StepDelay& step, std::size_t proj, Spread& spread
    ) {
        if (position_[device] >= last_) {
            return;
        }
        const auto change = [&](std::size_t j, std::int32_t by) {
            spread.gathered -= step.outputs_time(j, proj, spread.counts[j]);
            spread.counts[j] += by;
            spread.gathered += step.outputs_time(j, proj, spread.counts[j]);
        };
        change(device, 1);
        change((*order_)[last_], -1);
        while (spread.counts[(*order_)[last_]] == 0) {
            --last_;
        }
    }

  private:
    const std::vector<std::size_t>* order_;
    std::vector<std::size_t> position_; ///< [device]: its index in the order
    std::size_t last_ = 0;
};

} // namespace

std::vector<std::int32_t> spread_by_formula(
    const StepDelay& step,
    std::size_t layer,
    std::size_t proj,
    const std::vector<std::int32_t>& all_max_units,
    std::int32_t n
) {
    if (std::accumulate(all_max_units.begin(), all_max_units.end(), std::int64_t{0}) < n) {
        return {};
    }
    std::vector<std::size_t> order = by_transfer(step, proj, all_max_units);
    const std::vector<std::int32_t> max_units = limit_to_nearest(order, all_max_units, n);
    Capacity capacity(step, layer, max_units);
    const Nanoseconds first = capacity.least_for(n);
    Spread now = cheapest(step, proj, capacity.in(first), order, n);
    Spread best = now;
    Nanoseconds least = first + best.gathered;
    // A lower bound of the transfer time: with all computing time, transfers are cheapest.
    const Nanoseconds cheapest_gather = cheapest(step, proj, max_units, order, n).gathered;
    FarthestDevice farthest(order, now.counts);
    const auto completions = capacity.completions(first + 1, least - cheapest_gather);
    for (std::size_t i = 0; i < completions.size(); ++i) {
        const auto& [time, device] = completions[i];
        if (time + cheapest_gather >= least) {
            break;
        }
        if (step.gathers_max()) {
            now = cheapest(step, proj, capacity.in(time), order, n);
        } else {
            farthest.give_group_to(device, step, proj, now);
        }
        const bool more = i + 1 < completions.size() && completions[i + 1].time == time;
        if (!more && time + now.gathered < least) {
            least = time + now.gathered;
            best = now;
        }
    }
    return best.counts;
}

} // namespace headroom::scheduler
