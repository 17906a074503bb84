// Computes `headroom plan`: one decision of each policy for the same problem. For each decision the
// plan says whether the placement fits, how long a decode step takes and what limits this time, and
// what a migration from a given placement costs. Nothing is executed, and no weights are needed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/block.hpp"
#include "base/stop_check.hpp"
#include "config/scenario/scenario.hpp"
#include "runtime/memory/memory_demand.hpp"
#include "runtime/offline/planning_previous.hpp"
#include "runtime/offline/step_share.hpp"
#include "runtime/setup/workload_description.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/policies/policy.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::runtime {

/// What one device holds under a placement.
struct DevicePlan {
    std::int64_t blocks = 0;
    /// Weights, and KV caches of T + λ tokens for each sequence. If several sequences are placed
    /// before their first tokens, each cache counts at its full length.
    Bytes resident = 0;
    Bytes buffers = 0; ///< 0 if the device holds no block
    Bytes budget = 0;  ///< the device's budget at the time of the decision
    [[nodiscard]] Bytes held() const { return resident + buffers; }
};

/// The costs of keeping the previous placement, without a migration.
struct StayPlan {
    bool fits = false;
    scheduler::Explanation why{};   ///< what devices lack, if `fits` is false
    Nanoseconds inference = kNever; ///< D_inf, the predicted time of a decode step
    /// The objective in seconds. It is computed even if `fits` is false.
    double objective_s = 0;
};

struct PolicyPlan {
    scheduler::PolicyKind policy = scheduler::PolicyKind::resource_aware;
    std::string name; ///< the policy's name
    /// If the decision is infeasible, only its explanation, `in_flight` and `stay` are valid.
    scheduler::Decision decision;
    std::int64_t in_flight = 1; ///< number of sequences that the placement has memory for
    double objective_s = 0;     ///< the objective (the time to be minimised) in seconds
    /// objective / lower bound − 1. Nothing if there is no bound, or if the bound is for another
    /// number of sequences or another cut of the layers into blocks.
    std::optional<double> gap;
    std::vector<DevicePlan> devices;
    std::optional<StepShare> share; ///< where a step's time goes; nothing if it never ends
    std::optional<StayPlan> stay;   ///< nothing if there is no previous placement
    /// The moves from the previous placement in block order, with times since the decision. Empty
    /// if nothing moves or if there is no previous placement.
    std::vector<scheduler::MoveRecord> moves;
};

struct Plan {
    std::int64_t at = 0;        ///< number of sampled tokens when the decision is made
    std::int64_t context = 0;   ///< T + λ, tokens of the longest sequence after λ more steps
    std::int64_t in_flight = 1; ///< number of sequences that the policies are asked to place
    scheduler::Aim aim = scheduler::Aim::latency;
    /// Returns whether the objective counts the time of rounds (one step of every sequence). If
    /// not, it counts the time of one sequence's step.
    [[nodiscard]] bool in_rounds() const {
        return in_flight > 1 && aim == scheduler::Aim::throughput;
    }
    std::int64_t interval = 1;     ///< λ, the number of steps until the next decision
    std::int64_t steps = 1;        ///< number of steps within which a migration must pay off
    std::vector<BlockName> blocks; ///< in block order, as in placements
    MemoryDemand demand;
    std::optional<PreviousPlacement> previous;
    std::vector<PolicyPlan> policies;
    std::optional<double> bound_s; ///< lower bound of the objective in seconds
    bool is_root_bound = false;    ///< bound_s is by scheduler::root_bound, not by policy `exact`
    bool proven = false;           ///< whether bound_s is the objective of an optimal placement
    std::int64_t bound_in_flight = 1; ///< number of sequences that the bound is for
    std::string bound_note;           ///< why there is no bound; empty if there is one
};

/// Returns whether policy `exact` finds a bound within a few seconds for a problem of this size.
[[nodiscard]] bool small_enough_for_exact(std::size_t blocks, std::size_t devices);

struct PlanRequest {
    std::vector<scheduler::PolicyKind> policies;
    std::int64_t at = 0; ///< number of sampled tokens when the decision is made
    std::optional<PreviousPlacement> previous; ///< nothing: the decision is the first one
    /// Compute the root bound, whatever time it takes. Without this it is computed, with less
    /// effort, where policy `exact` has no bound and the fleet is small.
    bool root_bound = false;
    /// Policies that are not part of the program. They are asked after `policies`.
    std::vector<const scheduler::Policy*> own{};
    StopCheck stop = nullptr; ///< called in long searches, to stop them
};

/// Returns the plan. Throws InputError if the model's context has no room for the longest prompt,
/// `at` sampled tokens and the λ steps until the next decision.
[[nodiscard]] Plan plan(
    const config::Scenario& scenario,
    const WorkloadDescription& workload,
    const PlanRequest& request
);

/// Returns the problem that the plan puts to policy `exact`, for all sequences that can be in
/// flight. `blocks` must be those of Controller::cut for this policy, and outlive the problem.
/// Throws what plan() throws.
[[nodiscard]] scheduler::Problem planned_problem(
    const config::Scenario& scenario,
    const WorkloadDescription& workload,
    const PlanRequest& request,
    const scheduler::Blocks& blocks
);

/// Returns the first placement that `policy` chooses. Throws InfeasibleError if it finds none.
[[nodiscard]] PreviousPlacement first_choice(
    const config::Scenario& scenario,
    const WorkloadDescription& workload,
    scheduler::PolicyKind policy
);

} // namespace headroom::runtime
