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
    /// If empty, all policies decide except `static`, whose first decision is that of
    /// resource_aware. In this case `exact` decides only if the problem is so small that `exact`
    /// takes at most a few seconds.
    std::vector<std::string> policies;
    /// --at: tokens that each sequence has sampled before the decision. Default: see plan_start().
    std::optional<std::int64_t> at;
    /// --previous: the policy, trace file or plan file that the previous placement comes from.
    std::optional<std::string> previous;
    std::optional<std::string> lp_file; ///< --export-lp: the file to write
    bool full = false;                  ///< list every device and every move
    bool bound = false; ///< --bound: compute the root bound, even if that takes long
};

} // namespace headroom::cli
