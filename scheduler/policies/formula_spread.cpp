// See formula_spread.hpp.
#include "scheduler/policies/formula_spread.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace headroom::scheduler {
namespace {

constexpr std::size_t kMostSpread = 64; // devices that are weighed against each other

struct Spread {
    std::vector<std::int32_t> counts;
    Nanoseconds gathered = 0;
};

/// The cheapest gather when device j takes at most caps[j], which hold all n together. `order`: by
/// a group's transfer.
Spread cheapest(
    const StepDelay& step,
    std::size_t proj,
    const std::vector<std::int32_t>& caps,
    const std::vector<std::size_t>& order,
    std::int32_t n
) {
    Spread spread{std::vector<std::int32_t>(caps.size(), 0), 0};
    std::int32_t left = n;
    for (const std::size_t j : order) {
        const std::int32_t here = std::min(left, caps[j]);
        // By the slowest sender, the devices other than proj's take turns below.
        if (step.gathers_max() && j != proj) {
            continue;
        }
        spread.counts[j] = here;
        spread.gathered += step.outputs_time(j, proj, here);
        left -= here;
    }
    for (; step.gathers_max() && left > 0; --left) {
        std::size_t best = caps.size();
        Nanoseconds least = kNever;
        for (const std::size_t j : order) {
            if (spread.counts[j] < caps[j] &&
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
    const StepDelay& step, std::size_t proj, const std::vector<std::int32_t>& caps
) {
    std::vector<std::pair<Nanoseconds, std::size_t>> ranked;
    for (std::size_t j = 0; j < caps.size(); ++j) {
        if (caps[j] > 0) {
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
    std::vector<std::size_t>& order, const std::vector<std::int32_t>& caps, std::int32_t n
) {
    std::vector<std::int32_t> few(caps.size(), 0);
    std::int64_t held = 0;
    std::size_t kept = 0;
    for (; kept < order.size() && (kept < kMostSpread || held < 2 * n); ++kept) {
        few[order[kept]] = caps[order[kept]];
        held += caps[order[kept]];
    }
    order.resize(kept);
    return few;
}

/// How many groups each device does in a time, at most its cap.
class Capacity {
  public:
    Capacity(const StepDelay& step, std::size_t layer, const std::vector<std::int32_t>& caps)
        : caps_(&caps), within_(caps.size()) {
        for (std::size_t j = 0; j < caps.size(); ++j) {
            each_.push_back(step.group_time(layer, j));
            if (caps[j] > 0) {
                able_.push_back(j);
            }
        }
    }

    const std::vector<std::int32_t>& in(Nanoseconds time) {
        for (const std::size_t j : able_) {
            const Nanoseconds most = (*caps_)[j];
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

    /// The times in [low, high) at which a device has done one more, ascending.
    [[nodiscard]] std::vector<Nanoseconds> steps(Nanoseconds low, Nanoseconds high) const {
        std::vector<Nanoseconds> times;
        for (std::size_t j = 0; j < each_.size(); ++j) {
            for (Nanoseconds k = each_[j] == 0 ? 1 : (low + each_[j] - 1) / each_[j];
                 each_[j] > 0 && k <= (*caps_)[j] && k * each_[j] < high;
                 ++k) {
                times.push_back(k * each_[j]);
            }
        }
        std::sort(times.begin(), times.end());
        times.erase(std::unique(times.begin(), times.end()), times.end());
        return times;
    }

  private:
    const std::vector<std::int32_t>* caps_;
    std::vector<Nanoseconds> each_;
    std::vector<std::size_t> able_; ///< devices with a cap above 0
    std::vector<std::int32_t> within_;
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
    const std::vector<std::int32_t> caps = nearest(order, all_caps, n);
    Capacity capacity(step, layer, caps);
    const Nanoseconds first = capacity.least_for(n);
    Spread best = cheapest(step, proj, capacity.in(first), order, n);
    Nanoseconds least = first + best.gathered;
    // More time never makes the gather cheaper than it is with all the time there is.
    const Nanoseconds cheapest_gather = cheapest(step, proj, caps, order, n).gathered;
    for (const Nanoseconds time : capacity.steps(first + 1, least - cheapest_gather)) {
        if (time + cheapest_gather >= least) {
            break;
        }
        Spread spread = cheapest(step, proj, capacity.in(time), order, n);
        if (time + spread.gathered < least) {
            least = time + spread.gathered;
            best = std::move(spread);
        }
    }
    return best.counts;
}

} // namespace headroom::scheduler
