// A device that holds more than its budget: whether it may page, and what is told if it may not.
#pragma once

#include <string>

#include "base/error.hpp"
#include "base/ids.hpp"
#include "base/units.hpp"
#include "config/scenario/scenario.hpp"
#include "scheduler/core/fleet.hpp"

namespace headroom::runtime {

[[nodiscard]] bool may_page(config::Overload overload, const scheduler::DeviceSpec& device);

/// Ends a run. over: of the bytes held, those beyond the budget at time `at`.
[[nodiscard]] InfeasibleError over_budget_error(
    DeviceId device, const std::string& name, Bytes held, Bytes over, Nanoseconds at
);

} // namespace headroom::runtime
