// How many groups of a layer each device should take, and the fastest plan of a whole model when
// memory is left out of account.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "scheduler/policies/step_delay.hpp"
#include "scheduler/problem.hpp"

namespace headroom::scheduler {

/// Gives n groups one by one to the device that finishes its share first, transfer included;
/// optimal for the latest finish, because a device's finish only grows with its count. Under cost
/// profile `paper`: spread_by_formula.
/// caps: most groups per device. Empty if the caps do not hold them all.
[[nodiscard]] std::vector<std::int32_t> spread_groups(
    const StepDelay& step,
    std::size_t layer,
    std::size_t holder,
    std::size_t proj,
    const std::vector<std::int32_t>& caps,
    std::int32_t n
);

/// The devices in order of what one layer takes on them alone, fastest first.
[[nodiscard]] std::vector<std::size_t> by_speed(const StepDelay& step);

/// The fastest placement if memory had no limit; optimal but for messages that share a link (and,
/// in fleets of more than 32 devices, but for slow devices as hosts of proj and ffn).
[[nodiscard]] Placement unlimited_plan(const Problem& problem, const StepDelay& step);

} // namespace headroom::scheduler
