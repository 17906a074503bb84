// Predictions for one placement: what evaluate() fills in, and the number that policies minimise.
#include "scheduler/problem.hpp"

#include <utility>

#include "base/check.hpp"
#include "scheduler/timeline.hpp"

namespace headroom::scheduler {

Nanoseconds objective(const Problem& problem, const Decision& decision) {
    __extension__ using Wide = __int128;
    if (decision.inference == kNever || decision.migration == kNever) {
        return kNever;
    }
    const Wide sum = Wide{decision.migration} + Wide{problem.interval} * Wide{decision.inference};
    return sum < Wide{kNever} ? static_cast<Nanoseconds>(sum) : kNever;
}

Decision evaluate(const Problem& problem, Placement placement, std::string reason) {
    HEADROOM_CHECK(problem.blocks != nullptr, "a problem without blocks");
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
    if (problem.previous) {
        decision.migration = predict_migration(
            *problem.blocks, *problem.previous, placement, problem.snapshot, problem.rows
        );
    }
    decision.placement = std::move(placement);
    decision.feasible = true;
    decision.reason = std::move(reason);
    decision.evaluations = 1;
    return decision;
}

} // namespace headroom::scheduler
