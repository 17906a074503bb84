#include "scheduler/construct/chain_planner.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "scheduler/construct/spread_paper.hpp"
#include "scheduler/cost/block_cost.hpp"
#include "scheduler/cost/memory_ledger.hpp"

namespace headroom::scheduler {
namespace {

constexpr std::size_t kMaxScanned = 32; // in larger fleets a heap finds the next device

/// Returns the i below n with the least value(i), the first of equal ones.
std::size_t least_of(std::size_t n, const auto& value) {
    std::size_t least = 0;
    for (std::size_t i = 1; i < n; ++i) {
        least = value(i) < value(least) ? i : least;
    }
    return least;
}

/// Returns the same as fill_up() from no units, for many devices. Every device enters the heap with
/// a lower bound that leaves out its link to the target. The link is read when the device comes to
/// the top, because in a large table reading it is a cache miss.
std::vector<std::int32_t> spread_by_heap(
    const StepDelay& step,
    const Gathering& gathering,
    const std::vector<std::int32_t>& max_units,
    std::int32_t n
) {
    const auto& [layer, activation_device, target, unit] = gathering;
    struct Next {
        Nanoseconds time = 0; ///< when the device would finish one more unit
        std::size_t device = 0;
        bool exact = false; ///< whether `time` includes the link to the target
    };
    const auto later = [](const Next& a, const Next& b) {
        return a.time != b.time ? a.time > b.time : a.device > b.device;
    };
    std::vector<Next> heap;
    for (std::size_t j = 0; j < max_units.size(); ++j) {
        if (max_units[j] > 0) {
            heap.push_back({step.partial(layer, activation_device, j, j, 1, unit), j, j == target});
        }
    }
    std::make_heap(heap.begin(), heap.end(), later);
    std::vector<std::int32_t> counts(max_units.size(), 0);
    for (std::int32_t k = 0; k < n;) {
        if (heap.empty()) {
            return {};
        }
        std::pop_heap(heap.begin(), heap.end(), later);
        Next& next = heap.back();
        const std::size_t j = next.device;
        if (next.exact) {
            ++k;
            ++counts[j];
        }
        if (counts[j] == max_units[j]) {
            heap.pop_back();
            continue;
        }
        next = {step.partial(layer, activation_device, j, target, counts[j] + 1, unit), j, true};
        std::push_heap(heap.begin(), heap.end(), later);
    }
    return counts;
}

} // namespace

std::vector<std::size_t> devices_by_speed(const StepDelay& step) {
    std::vector<std::size_t> order(step.devices());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t a) { return step.layer_alone(0, a); });
    return order;
}

namespace {

/// Gives units one by one to the device that finishes its share first until `counts` has n of them.
/// Returns false if `max_units` admits fewer.
bool fill_up(
    const StepDelay& step,
    const Gathering& gathering,
    const std::vector<std::int32_t>& max_units,
    std::int32_t n,
    std::vector<std::int32_t>& counts
) {
    const auto& [layer, activation_device, target, unit] = gathering;
    std::vector<Nanoseconds> next(max_units.size(), kNever); // end of one more unit, per device
    const auto update = [&,
                         layer = layer,
                         activation_device = activation_device,
                         target = target,
                         unit = unit](std::size_t j) {
        next[j] = counts[j] < max_units[j]
                      ? step.partial(layer, activation_device, j, target, counts[j] + 1, unit)
                      : kNever;
    };
    for (std::size_t j = 0; j < max_units.size(); ++j) {
        update(j);
    }
    for (std::int32_t k = std::accumulate(counts.begin(), counts.end(), 0); k < n; ++k) {
        const std::size_t least = least_of(next.size(), [&](std::size_t j) { return next[j]; });
        if (next[least] == kNever) {
            return false;
        }
        ++counts[least];
        update(least);
    }
    return true;
}

} // namespace

std::vector<std::int32_t> spread_units(
    const StepDelay& step,
    const Gathering& gathering,
    const std::vector<std::int32_t>& max_units,
    std::int32_t n
) {
    if (step.uses_paper_formulas()) {
        return spread_by_formula(step, gathering.layer, gathering.target, max_units, n);
    }
    if (max_units.size() > kMaxScanned) {
        return spread_by_heap(step, gathering, max_units, n);
    }
    std::vector<std::int32_t> counts(max_units.size(), 0);
    return fill_up(step, gathering, max_units, n, counts) ? counts : std::vector<std::int32_t>();
}

Spreads::Spreads(const Problem& problem, const StepDelay& step) : problem_(&problem), step_(&step) {
    const Blocks& blocks = *problem.blocks;
    for (std::int32_t l = 0; l < blocks.shape().layers; ++l) {
        std::int32_t first = 0;
        while (!blocks.alike(first, l)) {
            ++first;
        }
        first_alike_.push_back(static_cast<std::size_t>(first));
    }
    for (const Unit unit : units_of(blocks)) {
        std::vector<std::int32_t> most(step.devices(), count_of(blocks, unit));
        const Amount need{
            0, step.uses_paper_formulas() ? cost_of(problem, blocks.group(0, 0)).compute : 0};
        for (std::size_t d = 0; d < most.size(); ++d) {
            most[d] =
                Amount{0, compute_limit(problem, problem.snapshot.devices[d])}.times(need, most[d]);
        }
        unlimited_units_.push_back(std::move(most));
    }
}

const std::vector<std::int32_t>& Spreads::unlimited(const Gathering& gathering) {
    const auto& [layer, activation_device, target, unit] = gathering;
    const std::size_t n = step_->devices();
    const std::size_t kind = unit == Unit::group ? 0 : 1;
    // D_T does not depend on the activation device.
    const std::size_t from = step_->uses_paper_formulas() ? 0 : activation_device;
    const std::size_t at =
        ((first_alike_[layer] * unlimited_units_.size() + kind) * n + from) * n + target;
    if (at >= memo_.size()) {
        memo_.resize((first_alike_[layer] + 1) * unlimited_units_.size() * n * n);
    }
    if (memo_[at].empty()) {
        memo_[at] = spread_units(
            *step_, gathering, unlimited_units_[kind], count_of(*problem_->blocks, unit)
        );
        if (memo_[at].empty()) { // too little compute for all units
            memo_[at].assign(n, 0);
        }
    }
    return memo_[at];
}

std::vector<std::int32_t> Spreads::within(
    const Gathering& gathering, const std::vector<std::int32_t>& max_units
) {
    const std::int32_t n = count_of(*problem_->blocks, gathering.unit);
    if (max_units.size() > kMaxRemembered) {
        return spread_units(*step_, gathering, max_units, n);
    }
    std::vector<std::int32_t> counts = unlimited(gathering);
    std::int32_t placed = 0;
    for (std::size_t d = 0; d < counts.size(); ++d) {
        counts[d] = std::min(counts[d], max_units[d]);
        placed += counts[d];
    }
    if (placed == n) {
        return counts;
    }
    if (step_->uses_paper_formulas()) {
        return spread_by_formula(*step_, gathering.layer, gathering.target, max_units, n);
    }
    if (std::accumulate(max_units.begin(), max_units.end(), std::int64_t{0}) < n) {
        return {};
    }
    return fill_up(*step_, gathering, max_units, n, counts) ? counts : std::vector<std::int32_t>();
}

} // namespace headroom::scheduler
