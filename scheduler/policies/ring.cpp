// See ring.hpp.
#include "scheduler/policies/ring.hpp"

#include "scheduler/policies/keep.hpp"
#include "scheduler/policies/layer_chain.hpp"
#include "scheduler/policies/layer_costs.hpp"
#include "scheduler/policies/layer_placement.hpp"
#include "scheduler/policies/pipelines.hpp"

namespace headroom::scheduler {

Decision Ring::decide(const Problem& problem) const {
    if (problem.previous) {
        return keep_for_good(problem);
    }
    const LayerCosts costs(problem, ring_order(problem));
    const Chain chain = evenest_chain(costs, ChainOrder::given);
    if (chain.shards.empty()) {
        return no_split(
            problem,
            "no split into contiguous layers on a ring found",
            fill_in_order(problem, costs, ChainOrder::given)
        );
    }
    return chain_decision(problem, costs, chain, " in ring order for the shortest stages");
}

} // namespace headroom::scheduler
