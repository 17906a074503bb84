// The options of `headroom plan`, which shows one decision of each policy and runs nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/input/run_options.hpp"

namespace headroom::cli {

struct PlanCommand {
    RunCommand run; ///< scenario, model, devices, overrides and json; the rest is unused
    std::vector<std::string> policies; ///< if empty, all but `static`; `exact` only if fast
    /// --at: tokens that each sequence has sampled before the decision. Default: see plan_start().
    std::optional<std::int64_t> at;
    std::optional<std::string> previous; ///< --previous: policy, trace file or plan file
    bool full = false;                   ///< list every device and every move
};

} // namespace headroom::cli
