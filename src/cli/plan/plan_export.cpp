#include "cli/plan/plan_export.hpp"

#include <system_error>

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/terminal/atomic_file.hpp"
#include "scheduler/explain/explanation_text.hpp"
#include "scheduler/milp/milp_export.hpp"
#include "scheduler/policies/registry.hpp"

namespace headroom::cli {

namespace {

namespace fs = std::filesystem;

void check_target(const fs::path& file, bool force) {
    std::error_code unknown;
    const fs::path folder = file.has_parent_path() ? file.parent_path() : ".";
    if (fs::is_directory(file, unknown) || !fs::is_directory(folder, unknown)) {
        throw InputError(fmt::format(
            "--export-lp {}: {}, expected the name of a file in an existing folder; give another "
            "--export-lp",
            file.string(),
            fs::is_directory(file, unknown) ? "is a folder" : "its folder does not exist"
        ));
    }
    if (fs::is_regular_file(file, unknown) && !force) {
        throw InputError(fmt::format(
            "--export-lp {}: exists already, expected a new name: give another --export-lp, or "
            "--force to overwrite it",
            file.string()
        ));
    }
}

} // namespace

void export_lp(
    const fs::path& file,
    bool force,
    const config::Scenario& scenario,
    const runtime::WorkloadDescription& workload,
    const runtime::PlanRequest& request
) {
    check_target(file, force);
    const scheduler::Blocks blocks(
        workload.shape, scenario.controller.cut(scheduler::PolicyKind::exact)
    );
    const scheduler::Problem problem =
        runtime::planned_problem(scenario, workload, request, blocks);
    if (const std::string obstacle = scheduler::milp::milp_obstacle(problem); !obstacle.empty()) {
        throw InputError(fmt::format(
            "--export-lp {}: this decision is no linear programme: {}; change the scenario, or "
            "plan without --export-lp",
            file.string(),
            obstacle
        ));
    }
    AtomicFile target(file);
    target.stream() << scheduler::milp::milp_text(problem, scheduler::device_names(scenario.fleet));
    target.close();
    target.publish();
}

} // namespace headroom::cli
