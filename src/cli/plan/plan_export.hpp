// `plan --export-lp FILE` writes the planned decision as a mixed-integer linear programme.
#pragma once

#include <filesystem>

#include "config/scenario/scenario.hpp"
#include "runtime/offline/planning.hpp"
#include "runtime/setup/workload_description.hpp"

namespace headroom::cli {

/// Writes the file. Throws InputError if the decision has no linear form, or if `file` exists and
/// `force` is false; EnvironmentError if it cannot be written.
void export_lp(
    const std::filesystem::path& file,
    bool force,
    const config::Scenario& scenario,
    const runtime::WorkloadDescription& workload,
    const runtime::PlanRequest& request
);

} // namespace headroom::cli
