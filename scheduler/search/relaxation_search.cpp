#include "scheduler/search/relaxation_search.hpp"

#include <limits>
#include <optional>
#include <utility>

#include "scheduler/exact/branch_and_bound.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler {
namespace {

/// The time of one evaluated layer of a search, in operations of the relaxation.
constexpr std::int64_t kOperationsPerEvaluation = 250;
/// The most evaluated layers of one repair, and of the descent from a new best placement.
constexpr std::int64_t kMaxRepair = 300;
constexpr std::int64_t kMaxDescent = 1'500;
/// Repairs may take this many evaluated layers before the relaxation has spent anything.
constexpr std::int64_t kFreeRepairs = 600;

} // namespace

bool search_by_relaxation(
    const Problem& problem, const StepDelay& step, Search& search, const RelaxationEffort& effort
) {
    const std::int64_t limit = search.limit();
    const std::int64_t begin = search.evaluations();
    const std::int64_t per_evaluation = kOperationsPerEvaluation * effort.slowness;
    const auto objective = [&search] {
        return search.best() ? std::optional(search.best()->objective) : std::nullopt;
    };
    const auto improve = [&](const Placement& relaxed,
                             std::int64_t spent) -> std::optional<Placement> {
        const std::int64_t repairs = search.evaluations() - begin - kFreeRepairs / effort.slowness;
        if (2 * repairs * per_evaluation > spent) {
            return std::nullopt;
        }
        const auto before = objective();
        search.allow(search.evaluations() + kMaxRepair);
        search.repair(relaxed);
        if (objective() == before) {
            return std::nullopt;
        }
        search.allow(search.evaluations() + kMaxDescent);
        search.descend_from(Placement(search.best()->placement));
        return search.best()->placement;
    };
    std::optional<Decision> best;
    if (search.best()) {
        best = evaluate(problem, search.best()->placement);
    }
    const exact::Tables tables(problem, step, exact::Aim::objective);
    const exact::Limits limits{std::numeric_limits<std::int64_t>::max(), effort.operations};
    const exact::Found found = exact::BranchAndBound(tables, best, improve).run(limits);
    search.spend(found.operations / per_evaluation);
    search.allow(limit);
    if (found.placement && !(search.best() && *found.placement == search.best()->placement)) {
        search.offer(*found.placement);
    }
    return found.complete;
}

} // namespace headroom::scheduler
