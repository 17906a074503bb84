#include "cli/plan/plan_command.hpp"

#include <algorithm>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "cli/input/commands.hpp"
#include "cli/input/policy_file.hpp"
#include "cli/input/scenario_file.hpp"
#include "cli/plan/plan_export.hpp"
#include "cli/plan/plan_json.hpp"
#include "cli/plan/plan_previous.hpp"
#include "cli/plan/plan_text.hpp"
#include "cli/plugin/policy_choice.hpp"
#include "cli/run/summary_text.hpp"
#include "cli/terminal/console.hpp"
#include "runtime/offline/planning.hpp"
#include "runtime/setup/workload_description.hpp"

namespace headroom::cli {

namespace {

using scheduler::PolicyKind;

void add_plan_options(Options& options, PlanCommand& plan) {
    add_scenario_options(options, plan.run);
    options.add_policies(
        plan.policies, "one, several with commas between, or all (default: those that apply): "
    );
    add_policy_timeout(options, plan.run.own_policy);
    options.add_integer(
        "--at",
        plan.at,
        {0, kNoLimit, 100},
        "plan as if so many tokens of each sequence had been sampled (default: 0, or where "
        "--previous leaves off)"
    );
    options.add(
        "--previous",
        plan.previous,
        "the placement in force, so that migrations show: a policy (its first choice), a trace "
        "(.h5), or what plan --policy P --json printed",
        "FROM"
    );
    options.add(
        "--bound",
        plan.bound,
        "prove how far the policies can be from the optimum, also in large fleets (up to 10 s)"
    );
    options.add(
        "--export-lp",
        plan.lp_file,
        "write the decision as a mixed-integer linear programme in LP format, for other solvers",
        "FILE"
    );
    options.add("--force", plan.run.force, "overwrite the file of --export-lp if it exists");
    options.add("--full", plan.full, "list every device and every move");
    options.add("--json", plan.run.json, "print the plan as JSON");
}

/// Returns the named policies. Without names it returns all except `static`, `exact` only if the
/// problem is small, and `given` only if the scenario gives a placement.
std::vector<PolicyKind> policies_to_ask(
    const PlanCommand& command,
    const config::Scenario& scenario,
    const runtime::WorkloadDescription& workload
) {
    const scheduler::Blocks blocks(workload.shape, scenario.controller.cut(PolicyKind::exact));
    const bool small = runtime::small_enough_for_exact(blocks.size(), scenario.fleet.size());
    std::vector<PolicyKind> chosen;
    if (command.policies.empty()) {
        for (const std::string_view name : scheduler::policies_for_any_problem()) {
            const PolicyKind kind = *scheduler::policy_named(name);
            // The first decision of `static` is that of resource_aware; later ones move nothing.
            if (kind != PolicyKind::static_first && (kind != PolicyKind::exact || small)) {
                chosen.push_back(kind);
            }
        }
        if (!scenario.controller.given.empty()) {
            chosen.push_back(PolicyKind::given);
        }
    }
    for (const std::string& name : command.policies) {
        if (is_policy_file(name)) {
            continue; // own_policies() loads it
        }
        chosen.push_back(*scheduler::policy_named(name));
        if (chosen.back() == PolicyKind::custom) {
            throw InputError(fmt::format("--policy custom: {}", kExpectPolicyFile));
        }
        check_given(scenario, chosen.back(), "--policy given");
    }
    return chosen;
}

/// Returns the policies in files that --policy names.
std::vector<ChosenPolicy> own_policies(const PlanCommand& command) {
    std::vector<ChosenPolicy> own;
    for (const std::string& name : command.policies) {
        if (is_policy_file(name)) {
            PolicyOptions options = command.run.own_policy;
            options.file = name;
            own.push_back(load_policy(options));
        }
    }
    return own;
}

/// Prints the plan. Returns 0 if at least one policy finds a placement, else 6.
int print_plan(const Options& options, const PlanCommand& command) {
    check_run_options(options, command.run);
    config::Overrides overrides = command.run.overrides;
    overrides.model_must_exist = true;
    const config::Scenario scenario = scenario_of(command.run, overrides);
    if (!command.run.json) {
        print_notes(scenario.notes);
        print_notes(runtime::notes_on_costs(scenario));
        print_warnings(scenario.warnings);
    }
    const runtime::WorkloadDescription workload = runtime::describe_workload(scenario);
    PlanStart start = plan_start(command, scenario, workload);
    runtime::PlanRequest request{
        policies_to_ask(command, scenario, workload),
        start.at,
        std::move(start.previous),
        command.bound};
    const std::vector<ChosenPolicy> own = own_policies(command);
    for (const ChosenPolicy& one : own) {
        request.own.push_back(one.policy.get());
    }
    if (command.lp_file) {
        export_lp(*command.lp_file, command.run.force, scenario, workload, request);
    }
    const runtime::Plan plan = runtime::plan(scenario, workload, request);
    const bool fits =
        std::any_of(plan.policies.begin(), plan.policies.end(), [](const auto& policy) {
            return policy.decision.feasible;
        });
    const ExitCode code = fits ? ExitCode::ok : ExitCode::infeasible;
    if (command.run.json) {
        nlohmann::json json = plan_json(plan, scenario);
        json["exit_code"] = static_cast<int>(code);
        json["lp_file"] = command.lp_file ? nlohmann::json(*command.lp_file) : nlohmann::json();
        print_json(json);
    } else {
        const Terminal terminal = Terminal::detect();
        const std::size_t width = terminal.out_is_terminal ? terminal_width(STDOUT_FILENO) : 0;
        const PlanView view{
            !command.policies.empty(), command.full, terminal.out_is_terminal, width};
        put_as_is(stdout, plan_text(plan, scenario, workload, view));
        if (command.lp_file) {
            say(stdout,
                "\nwrote {}: this decision as a mixed-integer linear programme, its objective in "
                "milliseconds\n",
                *command.lp_file);
        }
        std::fflush(stdout);
    }
    return static_cast<int>(code);
}

} // namespace

const Command kPlan{
    "plan",
    "will it fit, how fast, what holds it back: one decision per policy",
    define<PlanCommand, add_plan_options, print_plan>};

} // namespace headroom::cli
