// One decision per policy, side by side: will it fit, how fast, and what holds it back. Nothing is
// executed, and no weights are needed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/scenario.hpp"
#include "runtime/outline.hpp"
#include "runtime/step_share.hpp"
#include "scheduler/problem.hpp"

namespace headroom::runtime {

struct DevicePlan {
    std::int64_t blocks = 0;
    Bytes resident = 0; ///< weights, and caches at the plan's horizon
    Bytes buffers = 0;  ///< 0 where there is no block
    Bytes budget = 0;   ///< at time 0
    [[nodiscard]] Bytes held() const { return resident + buffers; }
};

struct PolicyPlan {
    scheduler::PolicyKind policy = scheduler::PolicyKind::resource_aware;
    scheduler::Decision decision; ///< feasible = false: `reason` says why, the rest is void
    double objective_s = 0;       ///< what policies minimise
    std::optional<double> gap;    ///< objective / proven bound − 1; nothing: there is no bound
    std::vector<DevicePlan> devices;
    std::optional<StepShare> share; ///< nothing: a step never ends
};

struct Plan {
    std::int64_t context = 0; ///< T + λ: caches and costs are those of so many tokens
    std::int64_t interval = 1;
    std::size_t blocks = 0;
    std::vector<PolicyPlan> policies;
    std::optional<double> bound_s; ///< no placement's objective is less; proven by policy exact
    bool proven = false;           ///< the bound is an optimum
    std::string bound_note;        ///< why there is no bound; or empty
};

/// Is policy exact worth asking for so many blocks and devices?
[[nodiscard]] bool small_enough_for_exact(std::size_t blocks, std::size_t devices);

/// at: tokens sampled so far; 0: the first placement. Throws InputError if the context has no room
/// for them.
[[nodiscard]] Plan plan(
    const config::Scenario& scenario,
    const Outline& outline,
    const std::vector<scheduler::PolicyKind>& policies,
    std::int64_t at
);

} // namespace headroom::runtime
