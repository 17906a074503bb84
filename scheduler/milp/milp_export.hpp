// Writes a decision as a mixed-integer linear programme, for solvers of other people. Its optimum
// is the least objective of all placements that fit, exactly, except for the tolerances of the
// solver. Times are in milliseconds and bytes in MiB. docs/explanation/bounds.md#other-solvers
// describes the variables.
#pragma once

#include <string>
#include <vector>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler::milp {

/// Returns why the problem cannot be written as a linear programme, and what to change; empty if
/// it can.
[[nodiscard]] std::string milp_obstacle(const Problem& problem);

/// Returns the programme in LP format. `devices` are the names of the devices, from which names of
/// variables are made. Precondition: milp_obstacle() returns nothing.
[[nodiscard]] std::string milp_text(
    const Problem& problem, const std::vector<std::string>& devices
);

} // namespace headroom::scheduler::milp
