// See formula_spread.hpp.
#include "scheduler/policies/formula_spread.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace headroom::scheduler {
namespace {

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

/// The times that the slowest device may take, ascending.
std::vector<Nanoseconds> thresholds(
    const StepDelay& step, std::size_t layer, const std::vector<std::int32_t>& caps
) {
    std::vector<Nanoseconds> times = {0};
    for (std::size_t j = 0; j < caps.size(); ++j) {
        for (std::int32_t k = 1; k <= caps[j]; ++k) {
            times.push_back(k * step.group_time(layer, j));
        }
    }
    std::sort(times.begin(), times.end());
    times.erase(std::unique(times.begin(), times.end()), times.end());
    return times;
}

} // namespace

std::vector<std::int32_t> spread_by_formula(
    const StepDelay& step,
    std::size_t layer,
    std::size_t proj,
    const std::vector<std::int32_t>& caps,
    std::int32_t n
) {
    if (std::accumulate(caps.begin(), caps.end(), std::int64_t{0}) < n) {
        return {};
    }
    std::vector<std::size_t> order(caps.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return step.outputs_time(a, proj, 1) < step.outputs_time(b, proj, 1);
    });
    std::vector<std::int32_t> within(caps.size());
    const auto allow = [&](Nanoseconds time) {
        for (std::size_t j = 0; j < caps.size(); ++j) {
            const Nanoseconds each = step.group_time(layer, j);
            within[j] =
                each == 0 ? caps[j]
                          : static_cast<std::int32_t>(std::min<Nanoseconds>(caps[j], time / each));
        }
        return std::accumulate(within.begin(), within.end(), std::int64_t{0}) >= n;
    };
    const std::vector<Nanoseconds> times = thresholds(step, layer, caps);
    Spread best;
    Nanoseconds least = kNever;
    for (auto time = std::partition_point(
             times.begin(), times.end(), [&](Nanoseconds t) { return !allow(t); }
         );
         time != times.end() && *time < least;
         ++time) {
        allow(*time);
        Spread spread = cheapest(step, proj, within, order, n);
        if (*time + spread.gathered < least) {
            least = *time + spread.gathered;
            best = std::move(spread);
        }
    }
    return best.counts;
}

} // namespace headroom::scheduler
