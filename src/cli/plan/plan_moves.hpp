// The moves by which a policy changes the previous placement, and their costs. A move sends one
// block (such as a group, a K/V head with its query heads) to another device.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/plan/plan_text.hpp"
#include "runtime/offline/planning.hpp"
#include "scheduler/core/fleet.hpp"

namespace headroom::cli {

/// Several moves that share one row of a table: "layer 3: 4 groups, 1 ffn".
struct MoveGroup {
    std::int32_t layer = -1; ///< -1: embed or lm_head, or blocks of several layers
    DeviceId from;
    DeviceId to;
    std::string blocks;            ///< "4 groups, 1 ffn"
    std::int64_t count = 0;        ///< number of blocks
    Bytes bytes = 0;               ///< bytes sent
    Bytes loaded = 0;              ///< bytes that the receiver reads from its own storage
    Nanoseconds arrives_after = 0; ///< time from the decision to the arrival of the last block
};

/// Returns the moves grouped by layer, sender and receiver, in the order of the layers. Without
/// `by_layer` they are grouped by sender and receiver only, and the group with the most bytes (sent
/// and loaded) comes first.
[[nodiscard]] std::vector<MoveGroup> group_moves(
    const std::vector<scheduler::MoveRecord>& moves,
    const std::vector<BlockName>& blocks,
    bool by_layer
);

/// Returns a table with a row per policy that has a placement: what it moves, the migration delay,
/// the objective (migration delay plus predicted time of the steps that follow), and the objective
/// of keeping the previous placement. Precondition: the plan has a previous placement.
[[nodiscard]] std::string move_comparison(
    const runtime::Plan& plan, const config::Scenario& scenario, const PlanView& view
);

/// Returns a table of one policy's moves, grouped by layer. If this makes more than 16 rows and
/// view.full is not set, the moves are grouped by sender and receiver only.
[[nodiscard]] std::string move_details(
    const runtime::Plan& plan,
    const runtime::PolicyPlan& policy,
    const scheduler::Fleet& fleet,
    const PlanView& view
);

} // namespace headroom::cli
