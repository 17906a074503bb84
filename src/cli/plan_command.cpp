#include "cli/plan_command.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "base/error.hpp"
#include "cli/plan_text.hpp"
#include "cli/scenario_file.hpp"
#include "cli/summary_text.hpp"
#include "runtime/outline.hpp"
#include "runtime/planning.hpp"

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
            // The first placement of `static` is that of resource_aware.
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

std::string heading(
    const config::Scenario& scenario, const runtime::Outline& outline, const runtime::Plan& plan
) {
    const scheduler::Blocks blocks(outline.shape, scenario.controller.cut());
    const scheduler::Placement together(blocks.size(), scenario.fleet.source);
    Bytes weights = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        weights += blocks.weight_bytes(BlockId(i), together);
    }
    return fmt::format(
        "{}: {} of weights in {} blocks, on {} devices, at a context of {} tokens\n\n",
        outline.name,
        format_bytes(weights),
        blocks.size(),
        scenario.fleet.size(),
        plan.context
    );
}

} // namespace

int plan_command(const PlanCommand& command) {
    const Terminal terminal = Terminal::look();
    const config::Scenario scenario = read(command.run);
    if (!command.run.json) {
        print_warnings(terminal, scenario.warnings);
    }
    const runtime::Outline outline = runtime::outline_of(scenario);
    const runtime::Plan plan =
        runtime::plan(scenario, outline, kinds(command, scenario, outline), command.at);
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
        fmt::print(
            "{}{}",
            heading(scenario, outline, plan),
            plan_text(plan, scenario, !command.policies.empty(), terminal)
        );
        std::fflush(stdout);
    }
    return static_cast<int>(code);
}

} // namespace headroom::cli
