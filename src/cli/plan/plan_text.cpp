#include "cli/plan/plan_text.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/utf8.hpp"
#include "cli/plan/plan_details.hpp"
#include "cli/plan/plan_moves.hpp"
#include "cli/terminal/text_table.hpp"
#include "scheduler/explain/explanation_text.hpp"
#include "scheduler/policies/registry.hpp"

namespace headroom::cli {

namespace {

using runtime::DevicePlan;
using runtime::Plan;
using runtime::PolicyPlan;

std::string tokens_per_s(Nanoseconds time, std::int64_t tokens = 1) {
    if (time == kNever || time <= 0) {
        return "-";
    }
    const double rate = 1e9 * static_cast<double>(tokens) / static_cast<double>(time);
    return rate < 100 ? fmt::format("{:.3g}", rate) : fmt::format("{:.0f}", rate);
}

/// Returns how far an objective is above a bound: "12.3 %", or the ratio "25×" if that is 10 or
/// more.
std::string gap_text(double gap) {
    return gap < 9 ? fmt::format("{:.1f} %", 100 * gap) : fmt::format("{:.3g}×", 1 + gap);
}

/// Returns whether a policy has no placement because devices lack something.
bool lacks_memory(const Plan& plan) {
    return std::ranges::any_of(plan.policies, [](const PolicyPlan& policy) {
        return !policy.decision.feasible && !policy.decision.why.shortages.empty();
    });
}

const DevicePlan& fullest_of(const PolicyPlan& plan) {
    return *std::ranges::max_element(plan.devices, [](const DevicePlan& a, const DevicePlan& b) {
        // The ratios are compared by cross products, because budgets may be 0.
        return static_cast<double>(a.held()) * static_cast<double>(b.budget) <
               static_cast<double>(b.held()) * static_cast<double>(a.budget);
    });
}

/// Returns the policy with the least objective, or a null pointer if none has a placement.
const PolicyPlan* best_of(const Plan& plan) {
    const PolicyPlan* best = nullptr;
    for (const PolicyPlan& policy : plan.policies) {
        if (policy.decision.feasible &&
            (best == nullptr || policy.objective_s < best->objective_s)) {
            best = &policy;
        }
    }
    return best;
}

class PlanText {
  public:
    PlanText(
        const Plan& plan,
        const config::Scenario& scenario,
        const runtime::WorkloadDescription& workload,
        const PlanView& view
    )
        : plan_(plan), scenario_(scenario), fleet_(scenario.fleet), workload_(workload),
          view_(view) {}

    /// Returns the model and fleet, the bytes that are needed, and the bytes that are available.
    [[nodiscard]] std::string heading() const {
        std::string text = fmt::format(
            "{}: {} blocks on {}, planned at token {} after a prompt of {}, for the {} that "
            "follow\n",
            workload_.name,
            plan_.blocks.size(),
            count_text(fleet_.size(), "device"),
            plan_.at,
            workload_.prompts.front().size(),
            plan_.interval
        );
        text += fmt::format(
            "  needed: {} of weights, {} of caches {}, and {} of buffers on each "
            "device that holds blocks\n"
            "  there is: {} on all devices, less their buffers{}\n",
            format_bytes(plan_.demand.weights),
            format_bytes(plan_.demand.caches),
            caches_text(),
            format_bytes(plan_.demand.buffers),
            format_bytes(plan_.demand.budget),
            plan_.demand.lacking() > 0
                ? fmt::format(", {} too little", format_bytes(plan_.demand.lacking()))
                : std::string()
        );
        if (has_several_sequences()) {
            text += in_flight_lines();
        }
        if (plan_.context > workload_.shape.context) {
            text += fmt::format(
                "  the model's context is {}: a shorter --interval asks for no more than it "
                "needs\n",
                workload_.shape.context
            );
        }
        if (paper_costs()) {
            text += "  cost profile paper: policies minimise the paper's formulas, within the "
                    "paper's memory and compute;\n"
                    "  times and memory below are those of the execution, which is physical\n";
        }
        return text + "\n";
    }

    [[nodiscard]] std::string comparison() const {
        std::vector<TextColumn> columns{
            "policy",
            "per token",
            {"tokens/s", 3},
            plan_.proven ? "above optimum" : "above bound",
            {"devices", 2},
            {"fullest device", 1},
            "holds back most"};
        if (paper_costs()) {
            columns.insert(columns.begin() + 3, "paper's D_T");
        }
        if (has_several_sequences()) {
            columns.insert(columns.begin() + 2, {"in flight", "batch", "per round"});
        }
        TextTable table(std::move(columns));
        for (const PolicyPlan& plan : plan_.policies) {
            if (plan.decision.feasible) {
                table.add(row(plan));
            }
        }
        return (best_of(plan_) == nullptr ? "" : table.text(view_.width)) + bound_line() +
               no_placement_lines();
    }

    /// Returns the details of one policy, which follow its name.
    [[nodiscard]] std::string details(const PolicyPlan& plan, bool explained) const {
        return fmt::format(
                   ": {} per token{}\n",
                   format_duration(plan.decision.inference),
                   has_several_sequences() ? fmt::format(
                                                 " alone, {} per round of {} in flight, batch {}",
                                                 format_duration(plan.decision.round),
                                                 plan.in_flight,
                                                 plan.decision.batch
                                             )
                                           : ""
               ) +
               device_details(plan, fleet_, view_, explained) +
               (plan_.previous ? move_details(plan_, plan, fleet_, view_) : "");
    }

  private:
    [[nodiscard]] bool has_several_sequences() const { return plan_.in_flight > 1; }

    /// Returns the text about the caches. At the first decision, several sequences get memory for
    /// all their tokens, as in a run.
    [[nodiscard]] std::string caches_text() const {
        const std::string context = count_text(plan_.context, "token");
        return !has_several_sequences() ? "at a context of " + context
               : plan_.at == 0
                   ? fmt::format("of {} sequences at their full length", plan_.in_flight)
                   : fmt::format(
                         "of {} sequences at contexts of up to {}", plan_.in_flight, context
                     );
    }

    [[nodiscard]] std::string in_flight_lines() const {
        return fmt::format(
            "  up to {} sequences in flight: a round is one token of each, a batch so many that "
            "are decoded as one;\n"
            "  tokens/s is that of all together; policies are asked for {}\n",
            plan_.in_flight,
            plan_.in_rounds() ? "the shortest round, prompts counted (objective throughput)"
                              : "the shortest time per token of one (objective latency)"
        );
    }

    [[nodiscard]] bool paper_costs() const {
        return scenario_.controller.cost_profile == scheduler::CostProfile::paper;
    }

    /// Returns the device that holds a token back most, as in the table of the devices.
    [[nodiscard]] std::string bottleneck_text(const PolicyPlan& plan) const {
        if (!plan.share) {
            return "-";
        }
        std::size_t most = 0;
        for (std::size_t d = 1; d < plan.devices.size(); ++d) {
            most = time_held_back(plan, d) > time_held_back(plan, most) ? d : most;
        }
        return fmt::format(
            "{} {}",
            fleet_.devices[most].name,
            percent(time_held_back(plan, most), plan.decision.inference)
        );
    }

    [[nodiscard]] std::vector<std::string> row(const PolicyPlan& plan) const {
        const auto used =
            std::ranges::count_if(plan.devices, [](const DevicePlan& d) { return d.blocks > 0; });
        const DevicePlan& full = fullest_of(plan);
        std::vector<std::string> row{
            plan.name,
            format_duration(plan.decision.inference),
            has_several_sequences() ? tokens_per_s(plan.decision.round, plan.in_flight)
                                    : tokens_per_s(plan.decision.inference),
            plan.gap ? gap_text(*plan.gap) : "-",
            fmt::format("{} of {}", used, plan.devices.size()),
            percent(full.held(), full.budget),
            bottleneck_text(plan),
        };
        if (paper_costs()) {
            row.insert(row.begin() + 3, format_seconds(plan.decision.paper_delay_s));
        }
        if (has_several_sequences()) {
            row.insert(
                row.begin() + 2,
                {fmt::format("{}", plan.in_flight),
                 fmt::format("{}", plan.decision.batch),
                 format_duration(plan.decision.round)}
            );
        }
        return row;
    }

    [[nodiscard]] std::string bound_line() const {
        if (plan_.bound_s && std::isinf(*plan_.bound_s)) {
            if (plan_.is_root_bound) {
                return "  proven by the root bound: no placement fits\n";
            }
            return best_of(plan_) == nullptr
                       ? "  proven by policy exact: no placement fits\n"
                       : "\n  proven by policy exact: whatever fits, no token would ever end\n";
        }
        if (!plan_.bound_s) {
            return best_of(plan_) == nullptr ? "" : fmt::format("\n  {}\n", plan_.bound_note);
        }
        const double steps = static_cast<double>(plan_.steps);
        return fmt::format(
            "\n  {} {} for {}{}{}{}\n",
            plan_.proven ? "proven optimum:" : "proven bound: nothing takes less than",
            format_seconds(*plan_.bound_s),
            plan_.previous ? "migration and " : "",
            count_text(plan_.steps, plan_.in_rounds() ? "round" : "token"),
            plan_.previous ? "" : fmt::format(", {} each", format_seconds(*plan_.bound_s / steps)),
            plan_.is_root_bound ? root_bound_text() : ""
        );
    }

    /// Returns what the root bound says of the best policy that it applies to.
    [[nodiscard]] std::string root_bound_text() const {
        const PolicyPlan* best = nullptr;
        for (const PolicyPlan& policy : plan_.policies) {
            if (policy.gap && (best == nullptr || *policy.gap < *best->gap)) {
                best = &policy;
            }
        }
        return best == nullptr ? " (root bound)"
                               : fmt::format(
                                     " (root bound); {} is at most {} above the optimum",
                                     best->name,
                                     gap_text(*best->gap)
                                 );
    }

    /// Returns the reasons why policies have no placement, each with the policies that give it.
    [[nodiscard]] std::vector<std::pair<std::string, std::vector<std::string_view>>>
    policies_by_reason() const {
        std::vector<std::pair<std::string, std::vector<std::string_view>>> reasons;
        for (const PolicyPlan& plan : plan_.policies) {
            if (plan.decision.feasible) {
                continue;
            }
            const std::string reason = scheduler::explanation_text(
                plan.decision.why, scheduler::device_names(fleet_), scheduler::kShortagesShown
            );
            auto found =
                std::ranges::find(reasons, reason, [](const auto& known) { return known.first; });
            if (found == reasons.end()) {
                found = reasons.insert(found, {reason, {}});
            }
            found->second.push_back(plan.name);
        }
        return reasons;
    }

    [[nodiscard]] std::string no_placement_lines() const {
        std::string text;
        for (const auto& [reason, policies] : policies_by_reason()) {
            text += fmt::format("  {}: no placement: {}\n", fmt::join(policies, ", "), reason);
        }
        if (plan_.previous && !text.empty()) {
            text += "  a run would keep the placement in force where there is no other\n";
        }
        if (best_of(plan_) == nullptr && lacks_memory(plan_)) {
            text += fmt::format(
                "  give the devices more memory ([[device]] memory, fleet.memory_scale), or "
                "give more devices, a smaller model, a shorter prompt, {}or a shorter --interval\n",
                has_several_sequences() ? "fewer workload.sequences (each has buffers of its own), "
                                        : ""
            );
        }
        return text;
    }

    const Plan& plan_;
    const config::Scenario& scenario_;
    const scheduler::Fleet& fleet_;
    const runtime::WorkloadDescription& workload_;
    const PlanView& view_;
};

} // namespace

std::string format_seconds(double seconds) {
    const double ns = seconds * 1e9;
    // Larger values do not fit in an integer of nanoseconds.
    return std::isfinite(ns) && ns < 9e18
               ? format_duration(static_cast<Nanoseconds>(std::round(ns)))
               : "never";
}

std::string plan_text(
    const Plan& plan,
    const config::Scenario& scenario,
    const runtime::WorkloadDescription& workload,
    const PlanView& view
) {
    const PlanText writer(plan, scenario, workload, view);
    // Names of devices and of the model may contain control codes.
    const auto shown = [&](const std::string& part) {
        return view.for_terminal ? escape_controls(part) : part;
    };
    std::string text = shown(writer.heading() + writer.comparison());
    if (plan.previous) {
        text += shown(move_comparison(plan, scenario, view));
    }
    const PolicyPlan* const best = best_of(plan);
    bool explained = true; // only the first table explains its columns
    for (const PolicyPlan& policy : plan.policies) {
        if (view.detailed ? policy.decision.feasible : &policy == best) {
            const std::string& name = policy.name;
            text += "\n" + (view.for_terminal ? "\x1b[1m" + name + "\x1b[0m" : name);
            text += shown(writer.details(policy, explained));
            explained = false;
        }
    }
    return text;
}

} // namespace headroom::cli
