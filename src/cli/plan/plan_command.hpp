// The options of `headroom plan`, which shows one decision of each policy and runs nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/input/run_options.hpp"

namespace headroom::cli {

struct PlanCommand {
    RunCommand run;                    ///< scenario, overrides and json; plan ignores the rest
    std::vector<std::string> policies; ///< if empty, all that apply to the scenario
    std::optional<std::int64_t> at; ///< --at: tokens sampled so far; default: of `previous`, else 0
    std::optional<std::string> previous; ///< --previous: policy, trace file or plan file
    bool full = false;                   ///< list every device and every move
};

} // namespace headroom::cli
