// The search for the placement with the least D_mig + λ·(time of one step). It descends from
// initial placements and from the answers of other policies, searches by relaxation in problems of
// small and medium size, and perturbs the best placement unless that is proven to be optimal.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "scheduler/core/problem.hpp"
#include "scheduler/cost/step_cost.hpp"
#include "scheduler/search/cost_model.hpp"
#include "scheduler/search/local_search.hpp"
#include "scheduler/search/settings.hpp"
#include "scheduler/search/statistics.hpp"

namespace headroom::scheduler {

class StepSearch {
  public:
    /// Keeps pointers to both. `observer` may be null.
    StepSearch(const Problem& problem, const SearchObserver* observer);
    StepSearch(const StepSearch&) = delete;
    StepSearch& operator=(const StepSearch&) = delete;

    /// Searches once. `answers` are further placements to start from.
    void run(const std::vector<Placement>& answers);
    [[nodiscard]] const LocalSearch& result() const { return search_; }

  private:
    struct Start {
        Placement placement;
        Score score;
    };
    [[nodiscard]] bool is_used(std::string_view part) const;
    [[nodiscard]] static bool is_better(const Start& a, const Start& b);
    [[nodiscard]] std::vector<Start> scored(const std::vector<Placement>& placements);
    void search_from_initial();
    void climb_or_descend(std::vector<Start>& starts);
    void search_from_answers(const std::vector<Placement>& answers);
    void polish();

    const Problem* problem_;
    StepDelay step_;
    std::unique_ptr<CostModel> model_;
    StepSettings settings_;
    LocalSearch search_;
    const SearchObserver* observer_;
    Placement fallback_; ///< where perturbations start while no placement fits
};

} // namespace headroom::scheduler
