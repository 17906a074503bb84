// Makes the error text for a run whose policy finds no first placement.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "scheduler/core/fleet.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::runtime {

/// Returns a text that says how much memory the model needs, how much the fleet has, what the
/// devices lack and what the user can do. Under cost profile `paper`, which counts memory by other
/// formulas, the text has the policy's explanation instead of these numbers. slots: the largest
/// number of sequences in flight. Precondition: decision.feasible is false.
[[nodiscard]] std::string infeasible_report(
    const scheduler::Problem& problem,
    const scheduler::Decision& decision,
    const scheduler::Fleet& fleet,
    std::string_view policy,
    std::int64_t slots = 1
);

/// Returns the name of the first device that lacks memory or compute, with the amount that is
/// needed there and the amount that there is. Returns no fields if `why` names no such device.
[[nodiscard]] ErrorFields shortage_fields(
    const scheduler::Explanation& why, const scheduler::Fleet& fleet
);

} // namespace headroom::runtime
