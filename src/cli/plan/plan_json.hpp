// A plan as JSON, for programs and for `headroom plan --previous`.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "config/scenario/scenario.hpp"
#include "runtime/offline/planning.hpp"

namespace headroom::cli {

/// Returns the whole plan, including the rows that plan_text() leaves out. The time of something
/// that never ends is null, because JSON has no infinity.
[[nodiscard]] nlohmann::json plan_json(const runtime::Plan& plan, const config::Scenario& scenario);

} // namespace headroom::cli
