#include "scheduler/search/step_search.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "scheduler/construct/initial_placements.hpp"
#include "scheduler/exact/tables.hpp"
#include "scheduler/search/relaxation_search.hpp"

namespace headroom::scheduler {
namespace {

/// Returns the largest D_mig that climb_from may treat as free. A placement with the inference
/// delay of `plan` and a larger D_mig would be worse than the best placement.
Nanoseconds max_migration_budget(const LocalSearch& search, const Score& plan) {
    const Int128 budget = search.best() ? search.best()->objective - plan.objective + plan.migration
                                        : Int128{plan.migration};
    return static_cast<Nanoseconds>(std::clamp<Int128>(budget, 0, kStall));
}

} // namespace

StepSearch::StepSearch(const Problem& problem, const SearchObserver* observer)
    : problem_(&problem), step_(problem), model_(step_costs(step_)),
      settings_(step_settings(problem, step_)),
      search_(problem, *model_, settings_.first, observer), observer_(observer) {}

bool StepSearch::is_used(std::string_view part) const {
    return observer_ == nullptr || !observer_->left_out.contains(part);
}

bool StepSearch::is_better(const Start& a, const Start& b) {
    return std::tie(a.score.shortage, a.score.objective) <
           std::tie(b.score.shortage, b.score.objective);
}

/// Records the placements. Returns them in the same order.
std::vector<StepSearch::Start> StepSearch::scored(const std::vector<Placement>& placements) {
    std::vector<Start> starts;
    for (const Placement& placement : placements) {
        starts.push_back({placement, search_.offer(placement)});
    }
    return starts;
}

void StepSearch::run(const std::vector<Placement>& answers) {
    search_from_initial();
    if (is_used(kOtherAnswers)) {
        search_from_answers(answers);
    }
    search_.use(settings_.polish);
    polish();
    search_.allow_more(settings_.polish.undoing);
    search_.undo_idle_moves();
}

void StepSearch::search_from_initial() {
    std::vector<Start> starts = scored(initial_placements(*problem_, step_));
    fallback_ = starts.front().placement;
    if (problem_->previous && !model_->adds_transfers()) {
        climb_or_descend(starts);
        return;
    }
    std::stable_sort(starts.begin(), starts.end(), is_better);
    for (const Start& start : starts) {
        search_.descend_from(start.placement);
    }
}

/// Climbs from the previous placement, descends from the best other start, the better of the two
/// first, and then from the best placement found. Each of the three has a share of the limit.
void StepSearch::climb_or_descend(std::vector<Start>& starts) {
    const SearchSettings& settings = search_.settings();
    const std::int64_t limit = search_.limit();
    const auto climb = [&](std::int64_t percent) {
        search_.allow_more(limit * percent / 100);
        search_.climb_from(
            starts.front().placement, max_migration_budget(search_, starts[1].score)
        );
    };
    const auto descend = [&](std::int64_t percent) {
        search_.allow_more(limit * percent / 100);
        std::stable_sort(starts.begin() + 1, starts.end(), is_better);
        search_.descend_from(starts[1].placement);
    };
    if (is_better(starts[1], starts[0])) {
        descend(settings.better_start_percent);
        climb(settings.worse_start_percent);
    } else {
        climb(settings.better_start_percent);
        descend(settings.worse_start_percent);
    }
    search_.allow(limit);
    if (search_.best()) {
        search_.descend_from(Placement(search_.best()->placement));
    }
}

/// Records the answers and descends from the best one.
void StepSearch::search_from_answers(const std::vector<Placement>& answers) {
    std::vector<Start> starts = scored(answers);
    const auto best = std::min_element(starts.begin(), starts.end(), is_better);
    if (best != starts.end()) {
        search_.allow_more(search_.settings().answer_descent);
        search_.descend_from(best->placement);
    }
}

void StepSearch::polish() {
    const SearchSettings& settings = search_.settings();
    if (settings.relaxation_operations > 0 && is_used(kRelaxation) && exact::covers(*problem_) &&
        search_by_relaxation(*problem_, step_, search_)) {
        return; // the best placement is optimal
    }
    if (settings.perturbing > 0 && is_used(kPerturbation)) {
        const Placement start = search_.best() ? search_.best()->placement : fallback_;
        search_.allow_more(settings.perturbing);
        search_.descend_from(start);
        search_.perturb(start);
    }
}

} // namespace headroom::scheduler
