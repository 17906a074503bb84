// Why no placement fits, for people.
#pragma once

#include <string>
#include <string_view>

#include "scheduler/core/fleet.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::runtime {

/// What is needed, what there is, what each device lacks, what to do: sums and devices once each.
/// The paper's formulas count other things; under its cost profile the policy's reason says itself
/// what they miss. Devices have the fleet's names. Precondition: decision.feasible is false.
[[nodiscard]] std::string infeasible_report(
    const scheduler::Problem& question,
    const scheduler::Decision& decision,
    const scheduler::Fleet& fleet,
    std::string_view policy,
    std::int64_t slots = 1
);

} // namespace headroom::runtime
