// Warnings about settings of a scenario that are valid but probably mistakes.
#pragma once

#include <string>
#include <vector>

#include "config/scenario/scenario.hpp"

namespace headroom::config {

/// Returns one line per warning, in the order workload, devices, network, events. It warns of more
/// sequences than requests, of rates that stay 0, of events after the last token, and of factors
/// that raise a rate or memory size above its original value.
[[nodiscard]] std::vector<std::string> find_warnings(const Scenario& scenario);

} // namespace headroom::config
