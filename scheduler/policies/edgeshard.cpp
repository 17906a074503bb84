#include "scheduler/policies/edgeshard.hpp"

#include "scheduler/construct/layer_placement.hpp"
#include "scheduler/construct/shard_chain.hpp"
#include "scheduler/cost/layer_costs.hpp"
#include "scheduler/explain/keep_previous.hpp"

namespace headroom::scheduler {

Decision EdgeShard::decide(const Problem& problem) const {
    if (problem.previous) {
        return keep_first_placement(problem);
    }
    const bool latency = variant_ == Variant::latency;
    const auto stages = static_cast<std::size_t>(2 * problem.blocks->shape().layers);
    const LayerCosts costs(problem, layer_hosts(problem, latency ? 0 : stages));
    const Chain chain = latency ? fastest_chain(costs, ChainOrder::any)
                                : min_bottleneck_chain(costs, ChainOrder::any);
    if (chain.shards.empty()) {
        return no_split_decision(
            problem,
            "no split into contiguous layers, the first on the source, found",
            fill_in_order(problem, costs, ChainOrder::any)
        );
    }
    return chain_decision(
        problem, costs, chain, latency ? " for the least latency" : " for the shortest stages"
    );
}

} // namespace headroom::scheduler
