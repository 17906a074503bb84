#include "scheduler/policies/baselines/ring.hpp"

#include "scheduler/construct/layer_placement.hpp"
#include "scheduler/construct/pipelines.hpp"
#include "scheduler/cost/layer_costs.hpp"
#include "scheduler/explain/keep_previous.hpp"
#include "scheduler/layers/shard_chain.hpp"

namespace headroom::scheduler {

Decision decide_ring(const Problem& problem) {
    if (problem.previous) {
        return keep_first_placement(problem);
    }
    const LayerCosts costs(problem, ring_order(problem));
    const Chain chain = min_bottleneck_chain(costs, ChainOrder::given);
    return chain_decision(
        problem,
        costs,
        chain,
        {ChainOrder::given,
         "in ring order for the shortest stages",
         "split into contiguous layers on a ring"}
    );
}

} // namespace headroom::scheduler
