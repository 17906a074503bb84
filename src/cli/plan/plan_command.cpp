#include "cli/plan/plan_command.hpp"

#include <algorithm>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "base/error.hpp"
#include "cli/input/scenario_file.hpp"
#include "cli/plan/plan_json.hpp"
#include "cli/plan/plan_previous.hpp"
#include "cli/plan/plan_text.hpp"
#include "cli/run/summary_text.hpp"
#include "cli/terminal/console.hpp"
#include "runtime/offline/planning.hpp"
#include "runtime/setup/workload_description.hpp"

namespace headroom::cli {

namespace {

using scheduler::PolicyKind;

config::Scenario read(const RunCommand& run) {
    config::Overrides overrides = run.overrides;
    overrides.model_must_exist = true;
    overrides.policy.reset(); // it sets the policy of a run; a plan asks several policies
    return run.scenario.empty() ? equal_device_scenario(run.model, run.devices, overrides)
                                : read_scenario(run.scenario, overrides);
}

/// Returns the named policies. Without names it returns all except `static`, and `exact` only if
/// the problem is small.
std::vector<PolicyKind> policies_to_ask(
    const PlanCommand& command,
    const config::Scenario& scenario,
    const runtime::WorkloadDescription& workload
) {
    const scheduler::Blocks blocks(workload.shape, scenario.controller.cut(PolicyKind::exact));
    const bool small = runtime::small_enough_for_exact(blocks.size(), scenario.fleet.size());
    std::vector<PolicyKind> chosen;
    if (command.policies.empty()) {
        for (const std::string_view name : scheduler::policy_names()) {
            const PolicyKind kind = *scheduler::policy_named(name);
            // The first decision of `static` is that of resource_aware; later ones move nothing.
            if (kind != PolicyKind::static_first && (kind != PolicyKind::exact || small)) {
                chosen.push_back(kind);
            }
        }
    }
    for (const std::string& name : command.policies) {
        chosen.push_back(*scheduler::policy_named(name));
    }
    return chosen;
}

/// Returns the width of stdout in characters, or 0 (no limit) if it is no terminal.
std::size_t columns(const Terminal& terminal) {
    winsize size{};
    return terminal.out_is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col
                                                                                    : 0;
}

} // namespace

int plan_command(const PlanCommand& command) {
    const Terminal terminal = Terminal::detect();
    const config::Scenario scenario = read(command.run);
    if (!command.run.json) {
        print_notes(scenario.notes);
        print_warnings(terminal, scenario.warnings);
    }
    const runtime::WorkloadDescription workload = runtime::describe_workload(scenario);
    PlanStart start = plan_start(command, scenario, workload);
    const runtime::Plan plan = runtime::plan(
        scenario,
        workload,
        {policies_to_ask(command, scenario, workload), start.at, std::move(start.previous)}
    );
    const bool fits =
        std::any_of(plan.policies.begin(), plan.policies.end(), [](const auto& policy) {
            return policy.decision.feasible;
        });
    const ExitCode code = fits ? ExitCode::ok : ExitCode::infeasible;
    if (command.run.json) {
        nlohmann::json json = plan_json(plan, scenario);
        json["exit_code"] = static_cast<int>(code);
        print_json(json);
    } else {
        const PlanView view{
            !command.policies.empty(), command.full, terminal.out_is_terminal, columns(terminal)};
        put_as_is(stdout, plan_text(plan, scenario, workload, view));
        std::fflush(stdout);
    }
    return static_cast<int>(code);
}

} // namespace headroom::cli
