// A plan for people and for programs.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "cli/console.hpp"
#include "config/scenario.hpp"
#include "runtime/planning.hpp"

namespace headroom::cli {

/// The comparison of all policies, then each device's part under those that are asked for in detail
/// (`detailed`) or else under the best one.
[[nodiscard]] std::string plan_text(
    const runtime::Plan& plan, const config::Scenario& scenario, bool detailed, Terminal terminal
);
[[nodiscard]] nlohmann::json plan_json(const runtime::Plan& plan, const config::Scenario& scenario);

} // namespace headroom::cli
