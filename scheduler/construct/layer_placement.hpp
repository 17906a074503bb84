// Placements of whole layers, and what the policies that compute them share: the devices of embed
// and lm_head, and the texts of decisions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "scheduler/construct/shard_chain.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/cost/layer_costs.hpp"

namespace headroom::scheduler {

/// Returns the placement with all blocks of layer l on devices[l], and embed and lm_head where
/// settle_ends puts them or on the source.
[[nodiscard]] Placement place_layers(const Problem& problem, const std::vector<DeviceId>& devices);
[[nodiscard]] Placement place_chain(
    const Problem& problem, const LayerCosts& costs, const Chain& chain
);

/// Returns the placement that explains why no split fits. Devices are filled in their order, and
/// the remaining layers go to the one with the most room. With ChainOrder::any the source has at
/// least one layer, and then the devices with the most room follow.
[[nodiscard]] Placement fill_in_order(
    const Problem& problem, const LayerCosts& costs, ChainOrder order
);

/// Returns an infeasible decision whose reason is what `attempt` lacks.
[[nodiscard]] Decision no_split_decision(
    const Problem& problem, std::string_view what, const Placement& attempt
);

/// Returns a text such as "layers 4, 6, 2 on devices 0, 3, 1", with one number per run of layers on
/// one device. If there are more than eight runs, it gives only their number.
[[nodiscard]] std::string split_text(const Problem& problem, const Placement& placement);

/// Returns the first decision of a static policy, with its predictions. The reason says what the
/// policy `minimises`.
[[nodiscard]] Decision chain_decision(
    const Problem& problem, const LayerCosts& costs, const Chain& chain, std::string_view minimises
);

} // namespace headroom::scheduler
