#include "scheduler/policies/baselines/edgeshard.hpp"

#include "scheduler/construct/layer_placement.hpp"
#include "scheduler/cost/layer_costs.hpp"
#include "scheduler/explain/keep_previous.hpp"
#include "scheduler/layers/shard_chain.hpp"

namespace headroom::scheduler {
namespace {

enum class Goal { latency, throughput };

Decision decide_for(const Problem& problem, Goal goal) {
    if (problem.previous) {
        return keep_first_placement(problem);
    }
    const bool latency = goal == Goal::latency;
    const auto stages = static_cast<std::size_t>(2 * problem.blocks->shape().layers);
    const LayerCosts costs(problem, layer_hosts(problem, latency ? 0 : stages));
    const Chain chain = latency ? fastest_chain(costs, ChainOrder::any)
                                : min_bottleneck_chain(costs, ChainOrder::any);
    return chain_decision(
        problem,
        costs,
        chain,
        {ChainOrder::any,
         latency ? "for the least latency" : "for the shortest stages",
         "split into contiguous layers, the first on the source,"}
    );
}

} // namespace

Decision decide_edgeshard(const Problem& problem) {
    return decide_for(problem, Goal::latency);
}

Decision decide_edgeshard_throughput(const Problem& problem) {
    return decide_for(problem, Goal::throughput);
}

} // namespace headroom::scheduler
