#include "scheduler/construct/layer_placement.hpp"

#include <algorithm>
#include <numeric>

#include "scheduler/cost/block_cost.hpp"
#include "scheduler/cost/memory_ledger.hpp"
#include "scheduler/explain/explanations.hpp"
#include "scheduler/explain/infeasibility.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler {
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
    const bool any_order = chain_order == ChainOrder::any;
    if (any_order) {
        std::stable_sort(order.begin() + 1, order.end(), larger);
    }
    std::vector<DeviceId> devices;
    for (const std::size_t j : order) {
        const std::size_t first = devices.size();
        std::size_t last = first;
        while (last < costs.layers() && costs.fits(first, last + 1, j)) {
            ++last;
        }
        last = any_order && j == 0 ? std::max<std::size_t>(last, 1) : last;
        devices.resize(last, costs.device(j));
    }
    devices.resize(costs.layers(), costs.device(largest));
    return place_layers(problem, devices);
}

Decision chain_decision(
    const Problem& problem, const LayerCosts& costs, const Chain& chain, const ChainNotes& notes
) {
    if (chain.shards.empty()) {
        return infeasible_decision(
            problem, fill_in_order(problem, costs, notes.order), notes.sought
        );
    }
    Decision decision = evaluate(problem, place_chain(problem, costs, chain));
    explain_first(problem, decision);
    decision.why.split = layer_split(problem, decision.placement);
    decision.why.slowest_stage = chain.stage;
    decision.why.notes = {notes.minimises};
    decision.evaluations = chain.work;
    return decision;
}

} // namespace headroom::scheduler
