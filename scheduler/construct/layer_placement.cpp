// See layer_placement.hpp.
#include "scheduler/construct/layer_placement.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "scheduler/cost/block_cost.hpp"
#include "scheduler/cost/memory_ledger.hpp"
#include "scheduler/explain/explanations.hpp"
#include "scheduler/explain/infeasibility.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler {
namespace {

constexpr std::size_t kMostListed = 8;

} // namespace

Placement place_layers(const Problem& problem, const std::vector<DeviceId>& devices) {
    const Blocks& blocks = *problem.blocks;
    Placement placement(blocks.size(), problem.source);
    for (std::size_t b = 0; b < placement.size(); ++b) {
        const std::int32_t layer = blocks.name(BlockId(b)).layer;
        if (layer >= 0) {
            placement[b] = devices[static_cast<std::size_t>(layer)];
        }
    }
    settle_ends(problem, placement);
    return placement;
}

Placement place_chain(const Problem& problem, const LayerCosts& costs, const Chain& chain) {
    std::vector<DeviceId> devices;
    for (const Shard& shard : chain.shards) {
        devices.insert(devices.end(), shard.last - shard.first, costs.device(shard.device));
    }
    return place_layers(problem, devices);
}

Placement fill_in_order(const Problem& problem, const LayerCosts& costs, ChainOrder chain_order) {
    std::vector<std::size_t> order(costs.devices());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto larger = [&](std::size_t a, std::size_t b) {
        return costs.can_compute(a) != costs.can_compute(b) ? costs.can_compute(a)
                                                            : costs.room(a) > costs.room(b);
    };
    const std::size_t largest = *std::min_element(order.begin(), order.end(), larger);
    const bool free = chain_order == ChainOrder::any;
    if (free) {
        std::stable_sort(order.begin() + 1, order.end(), larger);
    }
    std::vector<DeviceId> devices;
    for (const std::size_t j : order) {
        const std::size_t first = devices.size();
        std::size_t last = first;
        while (last < costs.layers() && costs.fits(first, last + 1, j)) {
            ++last;
        }
        last = free && j == 0 ? std::max<std::size_t>(last, 1) : last;
        devices.resize(last, costs.device(j));
    }
    devices.resize(costs.layers(), costs.device(largest));
    return place_layers(problem, devices);
}

Decision no_split_decision(
    const Problem& problem, std::string_view what, const Placement& attempt
) {
    Decision decision;
    decision.reason = fmt::format(
        "{} {}: in the best attempt {}",
        what,
        contexts_text(problem),
        shortages_text(problem, attempt)
    );
    return decision;
}

std::string split_text(const Problem& problem, const Placement& placement) {
    std::vector<std::size_t> counts;
    std::vector<std::int32_t> devices;
    for (std::int32_t l = 0; l < problem.blocks->shape().layers; ++l) {
        const std::int32_t device = placement[problem.blocks->activation_block(l).index()].value;
        if (devices.empty() || devices.back() != device) {
            devices.push_back(device);
            counts.push_back(0);
        }
        ++counts.back();
    }
    if (devices.size() == 1) {
        return fmt::format("all layers on device {}", devices.front());
    }
    if (devices.size() > kMostListed) {
        const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
        const std::string each =
            *least == *most ? fmt::format("{}", *most) : fmt::format("{} to {}", *least, *most);
        return fmt::format(
            "stretches of {} layer{} on {} devices", each, *most == 1 ? "" : "s", devices.size()
        );
    }
    return fmt::format(
        "{} layers on devices {}", fmt::join(counts, ", "), fmt::join(devices, ", ")
    );
}

Decision chain_decision(
    const Problem& problem, const LayerCosts& costs, const Chain& chain, std::string_view minimises
) {
    Placement placement = place_chain(problem, costs, chain);
    std::string split = split_text(problem, placement);
    Decision decision = evaluate(problem, std::move(placement), "");
    const bool formula = problem.cost_profile == CostProfile::paper;
    decision.reason = fmt::format(
        "first placement: {}{}: {} per token, slowest stage {}{}",
        split,
        minimises,
        duration_text(alternative_of(problem, decision).inference),
        duration_text(chain.stage),
        formula ? " by the paper's formula" : ""
    );
    decision.evaluations = chain.work;
    return decision;
}

} // namespace headroom::scheduler
