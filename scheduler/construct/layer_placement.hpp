// Functions that the policies for whole layers share.
#pragma once

#include <string>
#include <vector>

#include "base/ids.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/cost/layer_costs.hpp"
#include "scheduler/layers/shard_chain.hpp"

namespace headroom::scheduler {

/// Returns the placement with all blocks of layer l on devices[l]. embed and lm_head are on the
/// source, where prompts come in, unless settle_ends() (cost/block_cost.hpp) puts them elsewhere.
[[nodiscard]] Placement place_layers(const Problem& problem, const std::vector<DeviceId>& devices);
/// The same for the layers of a chain (shard_chain.hpp), whose devices are indices into `costs`.
[[nodiscard]] Placement place_chain(
    const Problem& problem, const LayerCosts& costs, const Chain& chain
);

/// Returns a placement for the error text if no chain fits. The text says what the devices lack for
/// this placement, which does not fit, either. With ChainOrder::given the devices are filled in the
/// order of `costs`. With ChainOrder::any the source is filled first and gets a layer even if it
/// has no room for one; the other devices follow by decreasing room. Layers that are then left over
/// go to the device with the most room.
[[nodiscard]] Placement fill_in_order(
    const Problem& problem, const LayerCosts& costs, ChainOrder order
);

/// What the decision of a static policy (one that decides once) says about its chain of devices.
struct ChainNotes {
    ChainOrder order;
    std::string minimises; ///< a note for users on what the policy minimises
    /// What the policy looks for, such as "split into contiguous layers on a ring". If there is no
    /// chain, the error text says that none was found.
    std::string sought;
};

/// Returns the first decision of a static policy, with predictions; infeasible if `chain` is empty.
[[nodiscard]] Decision chain_decision(
    const Problem& problem, const LayerCosts& costs, const Chain& chain, const ChainNotes& notes
);

} // namespace headroom::scheduler
