#include "runtime/offline/planning.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/block.hpp"
#include "base/error.hpp"
#include "runtime/control/controller.hpp"
#include "scheduler/bounds/root_bound.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/explain/explanation_text.hpp"
#include "scheduler/explain/infeasibility.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "scheduler/timing/program.hpp"

namespace headroom::runtime {

namespace {

using scheduler::PolicyKind;

/// Up to this product of blocks and devices, policy exact takes a few seconds for its bound.
constexpr std::size_t kMaxProductForExact = 8192;

/// Up to this number of devices the root bound is computed unasked, with this effort (about 0.3 s).
constexpr std::size_t kMostForQuickBound = 64;
constexpr std::int64_t kQuickEffort = 300'000;

struct Moment {
    std::int64_t sampled = 0;
    Nanoseconds clock = 0;
};

/// Returns the problem of placing the first `in_flight` requests.
scheduler::Problem problem_at(
    const config::Scenario& scenario,
    const WorkloadDescription& workload,
    const scheduler::Blocks& blocks,
    const Moment& moment,
    std::size_t in_flight
) {
    const std::vector<Request> requests = requests_of(scenario, workload.prompts);
    std::vector<InFlightRequest> in_slots;
    for (std::size_t i = 0; i < in_flight; ++i) {
        const std::int64_t prompt = requests[i].prompt_tokens();
        const std::int64_t rows = moment.sampled == 0 ? 0 : prompt + moment.sampled - 1;
        in_slots.push_back(
            {static_cast<std::int64_t>(i),
             prompt,
             requests[i].limit,
             moment.sampled,
             rows,
             moment.sampled > 0}
        );
        const std::size_t next = i + in_flight;
        if (next < requests.size() && requests[next].arrival <= moment.clock) {
            in_slots.back().next_prompt = requests[next].prompt_tokens();
            in_slots.back().next_limit = requests[next].limit;
        }
    }
    scheduler::Problem problem = problem_of(scenario, blocks, workload.turn_sizes, in_slots);
    problem.snapshot = scheduler::take_snapshot(scenario.fleet, moment.clock, moment.sampled);
    return problem;
}

/// Returns the valid decision for as many sequences as there is memory for, at least one.
Answer answer_of(
    const scheduler::Policy& policy, const auto& problem_for, std::int64_t max_in_flight
) {
    Answer answer =
        decide_for_most(policy, static_cast<std::size_t>(max_in_flight), 1, problem_for);
    check_valid(policy, answer);
    return answer;
}

class Planner {
  public:
    Planner(
        const config::Scenario& scenario,
        const WorkloadDescription& workload,
        const PlanRequest& request
    )
        : scenario_(scenario), workload_(workload), request_(request) {}

    [[nodiscard]] scheduler::Blocks blocks_for(PolicyKind policy) const {
        return scheduler::Blocks(workload_.shape, scenario_.controller.cut(policy));
    }

    [[nodiscard]] scheduler::Problem make_problem(
        const scheduler::Blocks& blocks, std::size_t in_flight
    ) const {
        const std::optional<PreviousPlacement>& previous = request_.previous;
        const Moment moment{request_.at, previous ? previous->clock : 0};
        scheduler::Problem problem = problem_at(scenario_, workload_, blocks, moment, in_flight);
        if (previous) {
            problem.previous = previous->placement;
        }
        problem.stop = request_.stop;
        return problem;
    }

    [[nodiscard]] PolicyPlan plan_for(PolicyKind kind) const {
        return plan_for(*scheduler::make_policy(kind), kind);
    }

    [[nodiscard]] PolicyPlan plan_for(const scheduler::Policy& policy, PolicyKind kind) const {
        const scheduler::Blocks blocks = blocks_for(kind);
        const auto [problem, decision] = answer_of(
            policy,
            [&](std::size_t in_flight) { return make_problem(blocks, in_flight); },
            scenario_.workload.slots()
        );
        PolicyPlan plan;
        plan.policy = kind;
        plan.name = policy.name();
        plan.in_flight = problem.in_flight();
        plan.decision = decision;
        if (problem.previous) {
            plan.stay = stay(problem);
        }
        if (!plan.decision.feasible) {
            return plan;
        }
        const scheduler::Placement& placement = plan.decision.placement;
        plan.objective_s = scheduler::objective(problem, plan.decision);
        plan.devices = devices(problem, placement);
        plan.share = share(problem, placement);
        plan.moves = moves(problem, placement);
        return plan;
    }

  private:
    [[nodiscard]] StayPlan stay(const scheduler::Problem& problem) const {
        const scheduler::Placement& placement = *problem.previous;
        const scheduler::Decision kept = scheduler::evaluate(problem, placement);
        StayPlan stay{
            scheduler::validate(problem, placement).ok(),
            {},
            kept.inference,
            scheduler::objective(problem, kept)};
        if (!stay.fits) {
            stay.why = scheduler::explain_infeasible(problem, placement);
        }
        return stay;
    }

    static std::vector<DevicePlan> devices(
        const scheduler::Problem& problem, const scheduler::Placement& placement
    ) {
        std::vector<DevicePlan> devices(problem.snapshot.size());
        for (std::size_t d = 0; d < devices.size(); ++d) {
            devices[d].budget = problem.snapshot.devices[d].memory;
        }
        for (std::size_t i = 0; i < placement.size(); ++i) {
            DevicePlan& device = devices[placement[i].index()];
            ++device.blocks;
            device.buffers = problem.buffers;
            device.resident +=
                problem.blocks->resident_bytes(BlockId(i), problem.memory_rows(), placement);
        }
        return devices;
    }

    static std::optional<StepShare> share(
        const scheduler::Problem& problem, const scheduler::Placement& placement
    ) {
        const std::size_t devices = problem.snapshot.size();
        scheduler::Timeline timeline(*problem.blocks, devices);
        std::vector<scheduler::ClockLog> clocks;
        const Nanoseconds length = timeline.turn(
            scheduler::lower(
                *problem.blocks,
                placement,
                problem.source,
                devices,
                scheduler::medium_of(problem.snapshot)
            ),
            scheduler::SnapshotRates(problem.snapshot),
            {problem.horizon() - 1, 1},
            problem.source,
            nullptr,
            nullptr,
            &clocks
        );
        if (length == kNever) {
            return std::nullopt;
        }
        return step_share(clocks, problem.source, length);
    }

    static std::vector<scheduler::MoveRecord> moves(
        const scheduler::Problem& problem, const scheduler::Placement& placement
    ) {
        std::vector<scheduler::MoveRecord> log;
        if (problem.previous) {
            scheduler::Timeline timeline(*problem.blocks, problem.snapshot.size());
            (void)timeline.migrate(
                scheduler::moves_between(
                    *problem.blocks,
                    *problem.previous,
                    placement,
                    problem.moved_rows(),
                    problem.weights_everywhere
                ),
                scheduler::SnapshotRates(problem.snapshot),
                0,
                &log,
                {0, scheduler::medium_of(problem.snapshot)}
            );
        }
        return log;
    }

    const config::Scenario& scenario_;
    const WorkloadDescription& workload_;
    const PlanRequest& request_;
};

/// Throws InputError if the longest prompt in flight leaves no room for `at` tokens.
void check_room(
    const config::Scenario& scenario, const WorkloadDescription& workload, std::int64_t at
) {
    const std::int64_t interval = scenario.controller.interval;
    std::int64_t prompt = 0;
    for (std::int64_t i = 0; i < scenario.workload.slots(); ++i) {
        const std::size_t which = static_cast<std::size_t>(i) % workload.prompts.size();
        prompt = std::max(prompt, static_cast<std::int64_t>(workload.prompts[which].size()));
    }
    const std::int64_t limit =
        std::max<std::int64_t>(0, workload.shape.context - prompt - interval + 1);
    if (at > limit) {
        throw InputError(fmt::format(
            "--at {0}: the model's context is {1}, and the prompt has {2} tokens; expected at most "
            "{3}; give --at {3} or less",
            at,
            workload.shape.context,
            prompt,
            limit
        ));
    }
}

/// Copies the lower bound of policy exact to the plan, if it has proven one.
void set_bound(const PolicyPlan& exact, Plan& plan) {
    const scheduler::Decision& decision = exact.decision;
    plan.bound_in_flight = exact.in_flight;
    plan.proven = decision.feasible && decision.proven;
    plan.bound_s = plan.proven ? std::optional(exact.objective_s) : decision.bound;
    if (!plan.bound_s || *plan.bound_s <= 0) {
        plan.bound_s.reset();
        plan.bound_note = "no bound: policy exact proves none for such a fleet or cut";
    }
}

/// Returns the number of sequences for which the most policies have a placement.
std::int64_t most_in_flight(const Plan& plan) {
    std::int64_t most = 0;
    for (const PolicyPlan& policy : plan.policies) {
        most = policy.decision.feasible ? std::max(most, policy.in_flight) : most;
    }
    return most > 0 ? most : plan.in_flight;
}

/// Replaces the plan's bound by the root bound if that is higher.
void add_root_bound(
    const Planner& planner, const scheduler::Blocks& blocks, bool thorough, Plan& plan
) {
    const std::int64_t in_flight = plan.bound_s ? plan.bound_in_flight : most_in_flight(plan);
    const scheduler::Problem problem =
        planner.make_problem(blocks, static_cast<std::size_t>(in_flight));
    scheduler::RootBoundSettings settings;
    settings.effort = thorough ? 0 : kQuickEffort;
    for (const PolicyPlan& policy : plan.policies) {
        if (policy.decision.feasible && policy.in_flight == in_flight &&
            planner.blocks_for(policy.policy).cut() == blocks.cut()) {
            settings.known = std::min(settings.known, policy.objective_s);
        }
    }
    const auto bound = scheduler::root_bound(problem, settings);
    if (!bound) {
        if (!plan.bound_s) {
            plan.bound_note =
                "no bound: the root bound is for the latency of a step, without a ring all-reduce, "
                "on up to 2048 devices";
        }
        return;
    }
    if (bound->seconds > plan.bound_s.value_or(0)) {
        plan.bound_s = bound->seconds;
        plan.bound_in_flight = in_flight;
        plan.is_root_bound = true;
        plan.bound_note.clear();
    }
}

} // namespace

bool small_enough_for_exact(std::size_t blocks, std::size_t devices) {
    return blocks * devices <= kMaxProductForExact;
}

Plan plan(
    const config::Scenario& scenario,
    const WorkloadDescription& workload,
    const PlanRequest& request
) {
    check_room(scenario, workload, request.at);
    const Planner planner(scenario, workload, request);
    const scheduler::Blocks blocks = planner.blocks_for(PolicyKind::exact);
    const auto slots = static_cast<std::size_t>(scenario.workload.slots());
    const scheduler::Problem problem = planner.make_problem(blocks, slots);
    Plan plan;
    plan.at = request.at;
    plan.context = problem.horizon();
    plan.in_flight = problem.in_flight();
    plan.aim = problem.aim;
    plan.interval = problem.interval;
    plan.steps = problem.steps();
    plan.previous = request.previous;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        plan.blocks.push_back(blocks.name(BlockId(i)));
    }
    plan.demand = memory_demand(problem);
    for (const PolicyKind policy : request.policies) {
        plan.policies.push_back(planner.plan_for(policy));
    }
    for (const scheduler::Policy* const policy : request.own) {
        plan.policies.push_back(planner.plan_for(*policy, PolicyKind::custom));
    }
    const auto exact = std::ranges::find(plan.policies, PolicyKind::exact, &PolicyPlan::policy);
    if (exact != plan.policies.end()) {
        set_bound(*exact, plan);
    } else if (small_enough_for_exact(blocks.size(), scenario.fleet.size())) {
        set_bound(planner.plan_for(PolicyKind::exact), plan);
    } else {
        plan.bound_note = fmt::format(
            "no bound: {} blocks on {} devices take long; --bound computes one",
            blocks.size(),
            scenario.fleet.size()
        );
    }
    const bool quick = !plan.bound_s && scenario.fleet.size() <= kMostForQuickBound;
    if (!plan.proven && (request.root_bound || quick)) {
        add_root_bound(planner, blocks, request.root_bound, plan);
    }
    for (PolicyPlan& of : plan.policies) {
        // The bound holds only for the same cut and the same number of sequences.
        if (of.decision.feasible && plan.bound_s && std::isfinite(*plan.bound_s) &&
            of.in_flight == plan.bound_in_flight &&
            scenario.controller.cut(of.policy) == blocks.cut()) {
            of.gap = of.objective_s / *plan.bound_s - 1;
        }
    }
    return plan;
}

scheduler::Problem planned_problem(
    const config::Scenario& scenario,
    const WorkloadDescription& workload,
    const PlanRequest& request,
    const scheduler::Blocks& blocks
) {
    check_room(scenario, workload, request.at);
    return Planner(scenario, workload, request)
        .make_problem(blocks, static_cast<std::size_t>(scenario.workload.slots()));
}

PreviousPlacement first_choice(
    const config::Scenario& scenario, const WorkloadDescription& workload, PolicyKind policy
) {
    const scheduler::Blocks blocks(workload.shape, scenario.controller.cut(policy));
    const scheduler::Decision decision =
        answer_of(
            *scheduler::make_policy(policy),
            [&](std::size_t in_flight) {
                return problem_at(scenario, workload, blocks, {}, in_flight);
            },
            scenario.workload.slots()
        )
            .decision;
    if (!decision.feasible) {
        throw InfeasibleError(fmt::format(
            "--previous {}: has no first choice: {}; expected a policy that finds a placement, "
            "headroom plan shows which have one",
            scheduler::name_of(policy),
            scheduler::explanation_text(decision.why, scheduler::device_names(scenario.fleet))
        ));
    }
    return {
        decision.placement, fmt::format("the first choice of {}", scheduler::name_of(policy)), 0};
}

} // namespace headroom::runtime
