#include "scheduler/search/relaxation_search.hpp"

#include <limits>
#include <optional>
#include <utility>

#include "scheduler/exact/branch_and_bound.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler {
bool search_by_relaxation(const Problem& problem, const StepDelay& step, LocalSearch& search) {
    const SearchSettings& settings = search.settings();
    const std::int64_t limit = search.limit();
    const std::int64_t begin = search.evaluations();
    const std::int64_t per_evaluation = settings.operations_per_evaluation;
    const auto objective = [&search] {
        return search.best() ? std::optional(search.best()->objective) : std::nullopt;
    };
    const auto improve = [&](const Placement& relaxed,
                             std::int64_t spent) -> std::optional<Placement> {
        const std::int64_t repairs = search.evaluations() - begin - settings.free_repairs;
        if (2 * repairs * per_evaluation > spent) {
            return std::nullopt;
        }
        const auto before = objective();
        search.allow_more(settings.repair);
        search.repair(relaxed);
        if (objective() == before) {
            return std::nullopt;
        }
        search.allow_more(settings.repair_descent);
        search.descend_from(Placement(search.best()->placement));
        return search.best()->placement;
    };
    std::optional<Decision> best;
    if (search.best()) {
        best = evaluate(problem, search.best()->placement);
    }
    const exact::Tables tables(problem, step, exact::Aim::objective);
    const exact::Limits limits{
        std::numeric_limits<std::int64_t>::max(), settings.relaxation_operations};
    const exact::Found found = exact::BranchAndBound(tables, best, improve).run(limits);
    search.spend(found.operations / per_evaluation);
    search.allow(limit);
    if (found.placement && !(search.best() && *found.placement == search.best()->placement)) {
        search.offer(*found.placement);
    }
    return found.complete;
}

} // namespace headroom::scheduler
