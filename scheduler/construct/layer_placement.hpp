// Whole layers as placements, and what the policies that place them have in common: embed and
// lm_head with the source, sentences.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "scheduler/construct/shard_chain.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/cost/layer_costs.hpp"

namespace headroom::scheduler {

/// Layer l with all of its blocks on devices[l]; embed and lm_head on the source (cost profile
/// `paper`, ends not pinned: where they were).
[[nodiscard]] Placement place_layers(const Problem& problem, const std::vector<DeviceId>& devices);
[[nodiscard]] Placement place_chain(
    const Problem& problem, const LayerCosts& costs, const Chain& chain
);

/// What a failed split tells about: the devices filled in their order (ChainOrder::any: the source
/// with one layer at least, then the largest room first), what is left over on the largest.
[[nodiscard]] Placement fill_in_order(
    const Problem& problem, const LayerCosts& costs, ChainOrder order
);

/// Infeasible, because of what is missing in that attempt.
[[nodiscard]] Decision no_split(
    const Problem& problem, std::string_view what, const Placement& attempt
);

/// "layers 4, 6, 2 on devices 0, 3, 1": per stretch of layers on one device; of more than eight the
/// number alone.
[[nodiscard]] std::string split_text(const Problem& problem, const Placement& placement);

/// A static policy's first answer, with its predictions and why: what it `minimises`.
[[nodiscard]] Decision chain_decision(
    const Problem& problem, const LayerCosts& costs, const Chain& chain, std::string_view minimises
);

} // namespace headroom::scheduler
