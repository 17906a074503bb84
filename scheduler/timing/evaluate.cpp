#include "scheduler/timing/evaluate.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.hpp"
#include "base/int128.hpp"
#include "scheduler/timing/round_prediction.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::scheduler {

double paper_delay_s(const Problem& problem, const Placement& placement) {
    return paper_delay_s(
        *problem.blocks,
        placement,
        problem.snapshot,
        problem.paper_cost_length(),
        problem.paper.gather
    );
}

double paper_migration_s(const Problem& problem, const Placement& placement) {
    return !problem.previous ? 0
                             : paper_migration_s(
                                   *problem.blocks,
                                   *problem.previous,
                                   placement,
                                   problem.snapshot,
                                   problem.paper_migration_length(),
                                   problem.weights_everywhere
                               );
}

Nanoseconds predict_migration(const Problem& problem, const Placement& placement) {
    return !problem.previous ? 0
                             : predict_migration(
                                   *problem.blocks,
                                   *problem.previous,
                                   placement,
                                   problem.snapshot,
                                   problem.moved_rows(),
                                   problem.weights_everywhere
                               );
}

Nanoseconds round_with_prompt_share(
    const Problem& problem, Nanoseconds round, Nanoseconds prompts
) {
    if (round == kNever || prompts == kNever) {
        return kNever;
    }
    return prompts == 0 ? round : round + prompts / problem.prompt_spread_rounds();
}

double objective(const Problem& problem, const Decision& decision) {
    if (problem.cost_profile == CostProfile::paper) {
        return decision.paper_migration_s +
               static_cast<double>(problem.steps()) * decision.paper_delay_s;
    }
    const Nanoseconds round =
        problem.aim == Aim::throughput
            ? round_with_prompt_share(problem, decision.round, decision.prompts)
            : decision.inference;
    if (round == kNever || decision.migration == kNever) {
        return std::numeric_limits<double>::infinity();
    }
    const Int128 sum = Int128{decision.migration} + Int128{problem.steps()} * Int128{round};
    return static_cast<double>(sum) / static_cast<double>(kSecond);
}

double objective(const Problem& problem, const Placement& placement) {
    return objective(problem, evaluate(problem, placement));
}

Decision evaluate(const Problem& problem, Placement placement, std::int64_t batch) {
    HEADROOM_CHECK(problem.blocks != nullptr, "a problem without blocks");
    throw_if_stopped(problem.stop);
    HEADROOM_CHECK(
        placement.size() == problem.blocks->size(),
        "{} blocks placed of {}",
        placement.size(),
        problem.blocks->size()
    );
    Decision decision;
    decision.inference = predict_inference(
        *problem.blocks, placement, problem.snapshot, problem.source, problem.horizon()
    );
    decision.batch = std::clamp<std::int64_t>(batch, 1, problem.in_flight());
    if (problem.in_flight() == 1) {
        decision.round = decision.inference;
    } else {
        const RoundTimes times = predict_rounds(problem, placement, decision.batch);
        decision.round = times.round;
        decision.prompts = times.prompts;
    }
    decision.paper_delay_s = paper_delay_s(problem, placement);
    decision.paper_migration_s = paper_migration_s(problem, placement);
    decision.migration = predict_migration(problem, placement);
    decision.placement = std::move(placement);
    decision.feasible = true;
    decision.evaluations = 1;
    return decision;
}

} // namespace headroom::scheduler
