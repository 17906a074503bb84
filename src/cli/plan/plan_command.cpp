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
#include "runtime/setup/outline.hpp"

namespace headroom::cli {

namespace {

using scheduler::PolicyKind;

config::Scenario read(const RunCommand& run) {
    config::Overrides overrides = run.overrides;
    overrides.model_must_exist = true;
    overrides.policy.reset(); // one for the decisions of a run; here they are asked one by one
    return run.scenario.empty() ? equal_devices(run.model, run.devices, overrides)
                                : read_scenario(run.scenario, overrides);
}

/// Those that were named, else all; exact only where it has a chance.
std::vector<PolicyKind> kinds(
    const PlanCommand& command, const config::Scenario& scenario, const runtime::Outline& outline
) {
    const scheduler::Blocks blocks(outline.shape, scenario.controller.cut(PolicyKind::exact));
    const bool small = runtime::small_enough_for_exact(blocks.size(), scenario.fleet.size());
    std::vector<PolicyKind> kinds;
    if (command.policies.empty()) {
        for (const std::string_view name : scheduler::policy_names()) {
            const PolicyKind kind = *scheduler::policy_named(name);
            // `static` adds nothing: first it is resource_aware, later it stays put.
            if (kind != PolicyKind::static_first && (kind != PolicyKind::exact || small)) {
                kinds.push_back(kind);
            }
        }
    }
    for (const std::string& name : command.policies) {
        kinds.push_back(*scheduler::policy_named(name));
    }
    return kinds;
}

/// Of stdout in characters; 0: it is no terminal, so there is no limit.
std::size_t columns(const Terminal& terminal) {
    winsize size{};
    return terminal.out && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

} // namespace

int plan_command(const PlanCommand& command) {
    const Terminal terminal = Terminal::look();
    const config::Scenario scenario = read(command.run);
    if (!command.run.json) {
        print_notes(scenario.notes);
        print_warnings(terminal, scenario.warnings);
    }
    const runtime::Outline outline = runtime::outline_of(scenario);
    PlanStart start = plan_start(command, scenario, outline);
    const runtime::Plan plan = runtime::plan(
        scenario, outline, {kinds(command, scenario, outline), start.at, std::move(start.previous)}
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
            !command.policies.empty(), command.full, terminal.out, columns(terminal)};
        put_as_is(stdout, plan_text(plan, scenario, outline, view));
        std::fflush(stdout);
    }
    return static_cast<int>(code);
}

} // namespace headroom::cli
