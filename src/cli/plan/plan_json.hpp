// A plan for programs; `--previous` reads it again.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "config/scenario/scenario.hpp"
#include "runtime/offline/planning.hpp"

namespace headroom::cli {

/// Everything, whatever the text folds. Times that never end are null.
[[nodiscard]] nlohmann::json plan_json(const runtime::Plan& plan, const config::Scenario& scenario);

} // namespace headroom::cli
