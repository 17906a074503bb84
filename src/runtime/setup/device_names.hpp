// Policies know devices by number, users by name.
#pragma once

#include <string>

#include "scheduler/core/fleet.hpp"

namespace headroom::runtime {

/// "device 3" in a policy's sentence as the device's name, which is what users know.
[[nodiscard]] std::string with_names(const std::string& text, const scheduler::Fleet& fleet);

} // namespace headroom::runtime
