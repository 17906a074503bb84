#include "scheduler/search/exact_polish.hpp"

#include <utility>

#include "scheduler/exact/branch_and_bound.hpp"

namespace headroom::scheduler {

Refined refine(
    const Problem& problem,
    const StepDelay& step,
    const std::optional<Decision>& best,
    std::int64_t limit
) {
    const exact::Tables tables(problem, step, exact::Aim::objective);
    exact::Found found = exact::BranchAndBound(tables, best).run(limit);
    Refined refined;
    refined.complete = found.complete;
    refined.work = found.nodes;
    if (found.placement && !(best && *found.placement == best->placement)) {
        refined.placement = std::move(found.placement);
    }
    return refined;
}

} // namespace headroom::scheduler
