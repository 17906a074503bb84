// See spread_paper.hpp.
#include "scheduler/construct/spread_paper.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

namespace headroom::scheduler {
namespace {

constexpr std::size_t kMostSpread = 64; // devices that are weighed against each other

struct Spread {
    std::vector<std::int32_t> counts;
    Nanoseconds gathered = 0;
};

/// The cheapest gather when device j takes at most max_units[j], which hold all n together.
/// `order`: by a group's transfer.
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
        // By the slowest sender, the devices other than proj's take turns below.
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

/// The devices that may take groups, by a group's transfer to proj.
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

/// In a large fleet only the devices with the cheapest transfers are weighed: kMostSpread of them,
/// and as many as hold all groups twice. `order`: by transfer.
std::vector<std::int32_t> nearest(
    std::vector<std::size_t>& order, const std::vector<std::int32_t>& max_units, std::int32_t n
) {
    std::vector<std::int32_t> few(max_units.size(), 0);
    std::int64_t held = 0;
    std::size_t kept = 0;
    for (; kept < order.size() && (kept < kMostSpread || held < 2 * n); ++kept) {
        few[order[kept]] = max_units[order[kept]];
        held += max_units[order[kept]];
    }
    order.resize(kept);
    return few;
}

/// How many groups each device does in a time, at most its cap.
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

    /// The least time in which they do n together; there must be one.
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

    struct Step {
        Nanoseconds time = 0;
        std::size_t device = 0;
    };
    /// When in [low, high) which device has done one more, ascending.
    [[nodiscard]] std::vector<Step> steps(Nanoseconds low, Nanoseconds high) const {
        std::vector<Step> steps;
        for (const std::size_t j : able_) {
            for (Nanoseconds k = each_[j] == 0 ? 1 : (low + each_[j] - 1) / each_[j];
                 each_[j] > 0 && k <= (*max_units_)[j] && k * each_[j] < high;
                 ++k) {
                steps.push_back({k * each_[j], j});
            }
        }
        std::sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) {
            return std::tie(a.time, a.device) < std::tie(b.time, b.device);
        });
        return steps;
    }

  private:
    const std::vector<std::int32_t>* max_units_;
    std::vector<Nanoseconds> each_;
    std::vector<std::size_t> able_; ///< devices with a cap above 0
    std::vector<std::int32_t> within_;
};

/// The device with the dearest transfer that has groups: it gives one up when another can do more.
class Dearest {
  public:
    Dearest(const std::vector<std::size_t>& order, const std::vector<std::int32_t>& counts)
        : order_(&order), place_(counts.size(), order.size()) {
        for (std::size_t i = 0; i < order.size(); ++i) {
            place_[order[i]] = i;
            last_ = counts[order[i]] > 0 ? i : last_;
        }
    }

    /// One more group to a device that has as many as it could do so far, if it is cheaper there.
    void give_to(std::size_t device, const StepDelay& step, std::size_t proj, Spread& spread) {
        if (place_[device] >= last_) {
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
    std::vector<std::size_t> place_; ///< in the order, per device
    std::size_t last_ = 0;
};

} // namespace

std::vector<std::int32_t> spread_by_formula(
    const StepDelay& step,
    std::size_t layer,
    std::size_t proj,
    const std::vector<std::int32_t>& all_caps,
    std::int32_t n
) {
    if (std::accumulate(all_caps.begin(), all_caps.end(), std::int64_t{0}) < n) {
        return {};
    }
    std::vector<std::size_t> order = by_transfer(step, proj, all_caps);
    const std::vector<std::int32_t> max_units = nearest(order, all_caps, n);
    Capacity capacity(step, layer, max_units);
    const Nanoseconds first = capacity.least_for(n);
    Spread now = cheapest(step, proj, capacity.in(first), order, n);
    Spread best = now;
    Nanoseconds least = first + best.gathered;
    // More time never makes the gather cheaper than it is with all the time there is.
    const Nanoseconds cheapest_gather = cheapest(step, proj, max_units, order, n).gathered;
    Dearest dearest(order, now.counts);
    const auto steps = capacity.steps(first + 1, least - cheapest_gather);
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const auto& [time, device] = steps[i];
        if (time + cheapest_gather >= least) {
            break;
        }
        if (step.gathers_max()) {
            now = cheapest(step, proj, capacity.in(time), order, n);
        } else {
            dearest.give_to(device, step, proj, now);
        }
        const bool more = i + 1 < steps.size() && steps[i + 1].time == time;
        if (!more && time + now.gathered < least) {
            least = time + now.gathered;
            best = now;
        }
    }
    return best.counts;
}

} // namespace headroom::scheduler
