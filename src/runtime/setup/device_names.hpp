// Device names in the explanations of policies, which know devices only by number.
#pragma once

#include <string>

#include "scheduler/core/fleet.hpp"

namespace headroom::runtime {

/// Returns `text` with every "device 3" replaced by the name of that device.
[[nodiscard]] std::string with_device_names(const std::string& text, const scheduler::Fleet& fleet);

} // namespace headroom::runtime
