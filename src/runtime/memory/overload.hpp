// Overload: a device holds more than its budget. These functions say whether it may then page (read
// the excess from its storage in every forward pass), and make the error if it may not page.
#pragma once

#include <string>

#include "base/error.hpp"
#include "base/ids.hpp"
#include "base/units.hpp"
#include "config/scenario/scenario.hpp"
#include "scheduler/core/fleet.hpp"

namespace headroom::runtime {

[[nodiscard]] bool may_page(config::OverloadMode overload, const scheduler::DeviceSpec& device);

/// Returns the error that ends the run. held: bytes held at time `at`. over: bytes over budget.
[[nodiscard]] InfeasibleError over_budget_error(
    DeviceId device, const std::string& name, Bytes held, Bytes over, Nanoseconds at
);

} // namespace headroom::runtime
