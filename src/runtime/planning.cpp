#include "runtime/planning.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "runtime/controller.hpp"
#include "runtime/device_names.hpp"
#include "scheduler/program.hpp"
#include "scheduler/validate.hpp"

namespace headroom::runtime {

namespace {

using scheduler::PolicyKind;

/// Blocks times devices; beyond, the search has no hope of a useful bound.
constexpr std::size_t kSmall = 4096;

class Planner {
  public:
    Planner(const config::Scenario& scenario, const Outline& outline, std::int64_t at)
        : scenario_(scenario), outline_(outline), at_(at) {}

    [[nodiscard]] scheduler::Blocks blocks_for(PolicyKind policy) const {
        return scheduler::Blocks(outline_.shape, scenario_.controller.cut(policy));
    }

    [[nodiscard]] scheduler::Problem problem(const scheduler::Blocks& blocks) const {
        const auto prompt = static_cast<std::int64_t>(outline_.prompts.front().size());
        scheduler::Problem problem =
            problem_of(scenario_, blocks, outline_.tokens_per_turn, prompt, at_);
        problem.snapshot =
            scheduler::take_snapshot(scenario_.fleet, 0, std::max<std::int64_t>(0, at_ - 1));
        return problem;
    }

    [[nodiscard]] PolicyPlan ask(PolicyKind kind) const {
        const scheduler::Blocks blocks = blocks_for(kind);
        const scheduler::Problem question = problem(blocks);
        PolicyPlan plan;
        plan.policy = kind;
        plan.decision = scheduler::decide(*scheduler::make_policy(kind), question);
        plan.decision.reason = with_names(plan.decision.reason, scenario_.fleet);
        if (!plan.decision.feasible) {
            return plan;
        }
        const scheduler::Verdict verdict = scheduler::validate(question, plan.decision.placement);
        HEADROOM_CHECK(
            verdict.ok(),
            "policy {} called a placement feasible that is not: {}",
            scheduler::name_of(kind),
            fmt::join(verdict.problems, "; ")
        );
        plan.objective_s = scheduler::objective(question, plan.decision);
        plan.devices = devices(question, plan.decision.placement);
        plan.share = share(question, plan.decision.placement);
        return plan;
    }

  private:
    static std::vector<DevicePlan> devices(
        const scheduler::Problem& question, const scheduler::Placement& placement
    ) {
        std::vector<DevicePlan> devices(question.snapshot.size());
        for (std::size_t d = 0; d < devices.size(); ++d) {
            devices[d].budget = question.snapshot.devices[d].memory;
        }
        for (std::size_t i = 0; i < placement.size(); ++i) {
            DevicePlan& device = devices[placement[i].index()];
            ++device.blocks;
            device.buffers = question.buffers;
            device.resident +=
                question.blocks->resident_bytes(BlockId(i), question.horizon(), placement);
        }
        return devices;
    }

    static std::optional<StepShare> share(
        const scheduler::Problem& question, const scheduler::Placement& placement
    ) {
        const std::size_t devices = question.snapshot.size();
        scheduler::Timeline timeline(*question.blocks, devices);
        scheduler::TimelineLog log;
        const Nanoseconds length = timeline.turn(
            scheduler::lower(*question.blocks, placement, question.source, devices),
            scheduler::SnapshotRates(question.snapshot),
            {question.horizon() - 1, 1},
            question.source,
            nullptr,
            &log
        );
        if (length == kNever) {
            return std::nullopt;
        }
        return step_share(log, devices, question.source, length);
    }

    const config::Scenario& scenario_;
    const Outline& outline_;
    std::int64_t at_;
};

void check_room(const Outline& outline, std::int64_t at, std::int64_t interval) {
    const auto prompt = static_cast<std::int64_t>(outline.prompts.front().size());
    const std::int64_t most = outline.shape.context - prompt - interval + 1;
    if (at > std::max<std::int64_t>(0, most)) {
        throw InputError(fmt::format(
            "--at {}: the model's context is {}, and the prompt has {} tokens; expected at most {}",
            at,
            outline.shape.context,
            prompt,
            std::max<std::int64_t>(0, most)
        ));
    }
}

/// What `exact` has proven, if anything.
void take_bound(const PolicyPlan& exact, Plan& plan) {
    const scheduler::Decision& decision = exact.decision;
    plan.proven = decision.feasible && decision.proven;
    plan.bound_s = plan.proven ? std::optional(exact.objective_s) : decision.bound;
    if (!plan.bound_s) {
        plan.bound_note = fmt::format(
            "policy exact has proven no bound: {}",
            decision.reason.empty() ? "its search was cut off" : decision.reason
        );
    }
}

} // namespace

bool small_enough_for_exact(std::size_t blocks, std::size_t devices) {
    return blocks * devices <= kSmall;
}

Plan plan(
    const config::Scenario& scenario,
    const Outline& outline,
    const std::vector<PolicyKind>& policies,
    std::int64_t at
) {
    check_room(outline, at, scenario.controller.interval);
    const Planner planner(scenario, outline, at);
    const scheduler::Blocks blocks = planner.blocks_for(PolicyKind::exact);
    Plan plan;
    plan.context = planner.problem(blocks).horizon();
    plan.interval = scenario.controller.interval;
    plan.blocks = blocks.size();
    for (const PolicyKind policy : policies) {
        plan.policies.push_back(planner.ask(policy));
    }
    const auto exact =
        std::find_if(plan.policies.begin(), plan.policies.end(), [](const PolicyPlan& of) {
            return of.policy == PolicyKind::exact;
        });
    if (exact != plan.policies.end()) {
        take_bound(*exact, plan);
    } else if (small_enough_for_exact(blocks.size(), scenario.fleet.size())) {
        take_bound(planner.ask(PolicyKind::exact), plan);
    } else {
        plan.bound_note = fmt::format(
            "no bound: {} blocks on {} devices are too many for policy exact",
            blocks.size(),
            scenario.fleet.size()
        );
    }
    for (PolicyPlan& of : plan.policies) {
        // Where layers are cut or summed otherwise, the bound says nothing.
        if (of.decision.feasible && plan.bound_s && *plan.bound_s > 0 &&
            scenario.controller.cut(of.policy) == blocks.cut()) {
            of.gap = of.objective_s / *plan.bound_s - 1;
        }
    }
    return plan;
}

} // namespace headroom::runtime
