// Policy `given`: the placement that the scenario gives.
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Returns Problem::given at every decision. The decision is infeasible if this placement needs
/// more memory or compute than the devices have at this moment, or if there is no such placement.
[[nodiscard]] Decision decide_given(const Problem& problem);

} // namespace headroom::scheduler
