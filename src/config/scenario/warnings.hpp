// What a scenario may say, but hardly means.
#pragma once

#include <string>
#include <vector>

#include "config/scenario/scenario.hpp"

namespace headroom::config {

/// One line each, in the order of devices, network and events: events that come too late, factors
/// that improve something, and rates that are 0 for ever.
[[nodiscard]] std::vector<std::string> find_warnings(const Scenario& scenario);

} // namespace headroom::config
