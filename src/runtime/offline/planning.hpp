// One decision per policy, side by side: will it fit, how fast, what holds it back, and from a
// given placement what migrating costs. Nothing is executed, and no weights are needed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/block.hpp"
#include "config/scenario/scenario.hpp"
#include "runtime/memory/need.hpp"
#include "runtime/offline/planning_previous.hpp"
#include "runtime/offline/step_share.hpp"
#include "runtime/setup/outline.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::runtime {

struct DevicePlan {
    std::int64_t blocks = 0;
    Bytes resident = 0; ///< weights, and caches at the plan's horizon
    Bytes buffers = 0;  ///< 0 where there is no block
    Bytes budget = 0;   ///< when the decision is made
    [[nodiscard]] Bytes held() const { return resident + buffers; }
};

/// The previous placement, kept: D_mig is 0.
struct StayPlan {
    bool fits = false;
    std::string reason;             ///< why it does not fit; or empty
    Nanoseconds inference = kNever; ///< D_inf
    double objective_s = 0;         ///< as it would be, also where it does not fit
};

struct PolicyPlan {
    scheduler::PolicyKind policy = scheduler::PolicyKind::resource_aware;
    scheduler::Decision decision; ///< feasible = false: `reason` says why, the rest is void
    std::int64_t in_flight = 1;   ///< sequences that it has the memory for, as a run would find out
    double objective_s = 0;       ///< what policies minimise: migration and the steps after it
    std::optional<double> gap;    ///< objective / proven bound − 1; nothing: there is no bound
    std::vector<DevicePlan> devices;
    std::optional<StepShare> share; ///< nothing: a step never ends
    std::optional<StayPlan> stay;   ///< nothing: there is no previous placement
    /// In block order, times from the decision on; empty: nothing moves, or this is the first
    /// placement.
    std::vector<scheduler::MoveRecord> moves;
};

struct Plan {
    std::int64_t at = 0;        ///< tokens sampled when the decision is made
    std::int64_t context = 0;   ///< T + λ, of several sequences the largest: costs are taken there
    std::int64_t in_flight = 1; ///< sequences that are asked for
    scheduler::Aim aim = scheduler::Aim::latency;
    /// Whether the objective's steps are rounds of all sequences in flight.
    [[nodiscard]] bool in_rounds() const {
        return in_flight > 1 && aim == scheduler::Aim::throughput;
    }
    std::int64_t interval = 1;
    std::int64_t steps = 1; ///< over which a migration must pay: λ, or more with a look-ahead
    std::vector<BlockName> blocks; ///< in the order of placements
    Need need;
    std::optional<Previous> previous;
    std::vector<PolicyPlan> policies;
    std::optional<double> bound_s;    ///< no placement's objective is less; proven by policy exact
    bool proven = false;              ///< the bound is an optimum
    std::int64_t bound_in_flight = 1; ///< sequences that the bound is for
    std::string bound_note;           ///< why there is no bound; or empty
};

/// Is policy exact worth asking for so many blocks and devices?
[[nodiscard]] bool small_enough_for_exact(std::size_t blocks, std::size_t devices);

/// What is asked. Without a previous placement policies place for the first time.
struct PlanRequest {
    std::vector<scheduler::PolicyKind> policies;
    std::int64_t at = 0; ///< tokens sampled so far
    std::optional<Previous> previous;
};

/// Throws InputError if the context has no room for the tokens.
[[nodiscard]] Plan plan(
    const config::Scenario& scenario, const Outline& outline, const PlanRequest& request
);

/// The placement that a policy chooses first. Throws InfeasibleError if it finds none.
[[nodiscard]] Previous first_choice(
    const config::Scenario& scenario, const Outline& outline, scheduler::PolicyKind policy
);

} // namespace headroom::runtime
