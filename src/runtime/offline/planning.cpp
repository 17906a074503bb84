#include "runtime/offline/planning.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/block.hpp"
#include "base/check.hpp"
#include "base/error.hpp"
#include "runtime/control/controller.hpp"
#include "runtime/setup/device_names.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/explain/infeasibility.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "scheduler/timing/program.hpp"

namespace headroom::runtime {

namespace {

using scheduler::PolicyKind;

/// Blocks times devices; beyond, policy exact takes more than a few seconds for its bound.
constexpr std::size_t kSmall = 8192;

/// When a decision is made.
struct Moment {
    std::int64_t sampled = 0;
    Nanoseconds clock = 0;
};

/// For the first so many requests.
scheduler::Problem question_at(
    const config::Scenario& scenario,
    const Outline& outline,
    const scheduler::Blocks& blocks,
    const Moment& moment,
    std::int64_t in_flight
) {
    const std::vector<Request> requests = requests_of(scenario, outline.prompts);
    std::vector<Flight> flights;
    for (std::size_t i = 0; i < static_cast<std::size_t>(in_flight); ++i) {
        const std::int64_t prompt = requests[i].prompt_tokens();
        const std::int64_t rows = moment.sampled == 0 ? 0 : prompt + moment.sampled - 1;
        flights.push_back(
            {static_cast<std::int64_t>(i),
             prompt,
             requests[i].limit,
             moment.sampled,
             rows,
             moment.sampled > 0}
        );
        const std::size_t next = i + static_cast<std::size_t>(in_flight);
        if (next < requests.size() && requests[next].arrival <= moment.clock) {
            flights.back().next_prompt = requests[next].prompt_tokens();
            flights.back().next_limit = requests[next].limit;
        }
    }
    scheduler::Problem question = problem_of(scenario, blocks, outline.turn_sizes, flights);
    question.snapshot = scheduler::take_snapshot(
        scenario.fleet, moment.clock, std::max<std::int64_t>(0, moment.sampled - 1)
    );
    return question;
}

/// No policy is trusted.
scheduler::Decision decision_of(PolicyKind policy, const scheduler::Problem& question) {
    scheduler::Decision decision = scheduler::decide(*scheduler::make_policy(policy), question);
    if (decision.feasible) {
        const scheduler::Verdict verdict = scheduler::validate(question, decision.placement);
        HEADROOM_CHECK(
            verdict.ok(),
            "policy {} called a placement feasible that is not: {}",
            scheduler::name_of(policy),
            fmt::join(verdict.problems, "; ")
        );
    }
    return decision;
}

struct Answer {
    scheduler::Problem asked;
    scheduler::Decision decision;
};

/// As in a run: for as many sequences as there is memory for, at least one.
Answer answer_of(PolicyKind policy, const auto& question_for, std::int64_t most) {
    for (std::int64_t in_flight = most;; --in_flight) {
        Answer answer{question_for(in_flight), {}};
        if (in_flight > 1 && is_out_of_reach(answer.asked)) {
            continue;
        }
        answer.decision = decision_of(policy, answer.asked);
        if (answer.decision.feasible || in_flight == 1) {
            return answer;
        }
    }
}

/// One policy's answer, and what follows from it.
class Planner {
  public:
    Planner(const config::Scenario& scenario, const Outline& outline, const PlanRequest& request)
        : scenario_(scenario), outline_(outline), request_(request) {}

    [[nodiscard]] scheduler::Blocks blocks_for(PolicyKind policy) const {
        return scheduler::Blocks(outline_.shape, scenario_.controller.cut(policy));
    }

    [[nodiscard]] scheduler::Problem question(
        const scheduler::Blocks& blocks, std::int64_t in_flight
    ) const {
        const std::optional<Previous>& previous = request_.previous;
        const Moment moment{request_.at, previous ? previous->clock : 0};
        scheduler::Problem question = question_at(scenario_, outline_, blocks, moment, in_flight);
        if (previous) {
            question.previous = previous->placement;
        }
        return question;
    }

    [[nodiscard]] PolicyPlan ask(PolicyKind kind) const {
        const scheduler::Blocks blocks = blocks_for(kind);
        const auto [asked, decision] = answer_of(
            kind,
            [&](std::int64_t in_flight) { return question(blocks, in_flight); },
            scenario_.workload.slots()
        );
        PolicyPlan plan;
        plan.policy = kind;
        plan.in_flight = asked.in_flight();
        plan.decision = decision;
        plan.decision.reason = with_names(plan.decision.reason, scenario_.fleet);
        if (asked.previous) {
            plan.stay = stay(asked);
        }
        if (!plan.decision.feasible) {
            return plan;
        }
        const scheduler::Placement& placement = plan.decision.placement;
        plan.objective_s = scheduler::objective(asked, plan.decision);
        plan.devices = devices(asked, placement);
        plan.share = share(asked, placement);
        plan.moves = moves(asked, placement);
        return plan;
    }

  private:
    [[nodiscard]] StayPlan stay(const scheduler::Problem& asked) const {
        const scheduler::Placement& placement = *asked.previous;
        const scheduler::Decision kept = scheduler::evaluate(asked, placement, "");
        StayPlan stay{
            scheduler::validate(asked, placement).ok(),
            "",
            kept.inference,
            scheduler::objective(asked, kept)};
        if (!stay.fits) {
            stay.reason = with_names(scheduler::lacking_devices(asked, placement), scenario_.fleet);
        }
        return stay;
    }

    static std::vector<DevicePlan> devices(
        const scheduler::Problem& asked, const scheduler::Placement& placement
    ) {
        std::vector<DevicePlan> devices(asked.snapshot.size());
        for (std::size_t d = 0; d < devices.size(); ++d) {
            devices[d].budget = asked.snapshot.devices[d].memory;
        }
        for (std::size_t i = 0; i < placement.size(); ++i) {
            DevicePlan& device = devices[placement[i].index()];
            ++device.blocks;
            device.buffers = asked.buffers;
            device.resident +=
                asked.blocks->resident_bytes(BlockId(i), asked.memory_context(), placement);
        }
        return devices;
    }

    static std::optional<StepShare> share(
        const scheduler::Problem& asked, const scheduler::Placement& placement
    ) {
        const std::size_t devices = asked.snapshot.size();
        scheduler::Timeline timeline(*asked.blocks, devices);
        scheduler::TimelineLog log;
        const Nanoseconds length = timeline.turn(
            scheduler::lower(*asked.blocks, placement, asked.source, devices),
            scheduler::SnapshotRates(asked.snapshot),
            {asked.horizon() - 1, 1},
            asked.source,
            nullptr,
            &log
        );
        if (length == kNever) {
            return std::nullopt;
        }
        return step_share(log, devices, asked.source, length);
    }

    static std::vector<scheduler::MoveRecord> moves(
        const scheduler::Problem& asked, const scheduler::Placement& placement
    ) {
        std::vector<scheduler::MoveRecord> log;
        if (asked.previous) {
            scheduler::Timeline timeline(*asked.blocks, asked.snapshot.size());
            (void)timeline.migrate(
                scheduler::moves_between(
                    *asked.blocks, *asked.previous, placement, asked.rows, asked.weights_everywhere
                ),
                scheduler::SnapshotRates(asked.snapshot),
                0,
                &log
            );
        }
        return log;
    }

    const config::Scenario& scenario_;
    const Outline& outline_;
    const PlanRequest& request_;
};

/// The longest prompt in flight.
void check_room(const config::Scenario& scenario, const Outline& outline, std::int64_t at) {
    const std::int64_t interval = scenario.controller.interval;
    std::int64_t prompt = 0;
    for (std::int64_t i = 0; i < scenario.workload.slots(); ++i) {
        const std::size_t which = static_cast<std::size_t>(i) % outline.prompts.size();
        prompt = std::max(prompt, static_cast<std::int64_t>(outline.prompts[which].size()));
    }
    const std::int64_t most = outline.shape.context - prompt - interval + 1;
    if (at > std::max<std::int64_t>(0, most)) {
        throw InputError(fmt::format(
            "--at {0}: the model's context is {1}, and the prompt has {2} tokens; expected at most "
            "{3}; "
            "give --at {3} or less",
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
    plan.bound_in_flight = exact.in_flight;
    plan.proven = decision.feasible && decision.proven;
    plan.bound_s = plan.proven ? std::optional(exact.objective_s) : decision.bound;
    if (!plan.bound_s || *plan.bound_s <= 0) {
        plan.bound_s.reset();
        plan.bound_note = "no bound: policy exact proves none for such a fleet or cut";
    }
}

} // namespace

bool small_enough_for_exact(std::size_t blocks, std::size_t devices) {
    return blocks * devices <= kSmall;
}

Plan plan(const config::Scenario& scenario, const Outline& outline, const PlanRequest& request) {
    check_room(scenario, outline, request.at);
    const Planner planner(scenario, outline, request);
    const scheduler::Blocks blocks = planner.blocks_for(PolicyKind::exact);
    const scheduler::Problem question = planner.question(blocks, scenario.workload.slots());
    Plan plan;
    plan.at = request.at;
    plan.context = question.horizon();
    plan.in_flight = question.in_flight();
    plan.aim = question.aim;
    plan.interval = question.interval;
    plan.steps = question.steps();
    plan.previous = request.previous;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        plan.blocks.push_back(blocks.name(BlockId(i)));
    }
    plan.need = need_of(question);
    for (const PolicyKind policy : request.policies) {
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
            "no bound: {} blocks on {} devices take policy exact long; --policy exact tries, on up "
            "to 32 devices",
            blocks.size(),
            scenario.fleet.size()
        );
    }
    for (PolicyPlan& of : plan.policies) {
        // Where layers are cut or summed otherwise, or fewer sequences fit, the bound says nothing.
        if (of.decision.feasible && plan.bound_s && std::isfinite(*plan.bound_s) &&
            of.in_flight == plan.bound_in_flight &&
            scenario.controller.cut(of.policy) == blocks.cut()) {
            of.gap = of.objective_s / *plan.bound_s - 1;
        }
    }
    return plan;
}

Previous first_choice(const config::Scenario& scenario, const Outline& outline, PolicyKind policy) {
    const scheduler::Blocks blocks(outline.shape, scenario.controller.cut(policy));
    const scheduler::Decision decision =
        answer_of(
            policy,
            [&](std::int64_t in_flight) {
                return question_at(scenario, outline, blocks, {}, in_flight);
            },
            scenario.workload.slots()
        )
            .decision;
    if (!decision.feasible) {
        throw InfeasibleError(fmt::format(
            "--previous {}: has no first choice: {}; expected a policy that finds a placement, "
            "headroom plan shows which have one",
            scheduler::name_of(policy),
            with_names(decision.reason, scenario.fleet)
        ));
    }
    return {
        decision.placement, fmt::format("the first choice of {}", scheduler::name_of(policy)), 0};
}

} // namespace headroom::runtime
