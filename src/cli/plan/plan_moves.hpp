// What a policy moves from the previous placement, and what that costs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/plan/plan_text.hpp"
#include "runtime/offline/planning.hpp"
#include "scheduler/core/fleet.hpp"

namespace headroom::cli {

/// Moves that are told together: "layer 3: 4 groups, 1 ffn".
struct MoveGroup {
    std::int32_t layer = -1; ///< -1: embed, lm_head, or several layers
    DeviceId from;
    DeviceId to;
    std::string blocks; ///< "4 groups, 1 ffn"
    std::int64_t count = 0;
    Bytes bytes = 0;             ///< sent
    Bytes loaded = 0;            ///< read by the target from its own storage
    Nanoseconds there_after = 0; ///< since the decision, until the last of them is there
};

/// By layer, sender and receiver; folded (`by_layer` = false) by sender and receiver alone. Without
/// by_layer the largest first, else in block order.
[[nodiscard]] std::vector<MoveGroup> group_moves(
    const std::vector<scheduler::MoveRecord>& moves,
    const std::vector<BlockName>& blocks,
    bool by_layer
);

/// A table with a row per policy that has a placement: what moves, D_mig (under cost profile paper
/// also the paper's), the objective, and that of staying put.
[[nodiscard]] std::string move_comparison(
    const runtime::Plan& plan, scheduler::CostProfile costs, const PlanView& view
);

/// A table of one policy's moves by layer; if they are too many by route, the largest first.
[[nodiscard]] std::string move_details(
    const runtime::Plan& plan,
    const runtime::PolicyPlan& policy,
    const scheduler::Fleet& fleet,
    const PlanView& view
);

} // namespace headroom::cli
