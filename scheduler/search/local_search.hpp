// Iterated local search over placements: variable neighbourhood descents and perturbations. A
// descent tries the neighbourhoods of its preset in order, and begins again with the first after
// each improvement, until none improves the incumbent.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/random.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/search/cost_model.hpp"
#include "scheduler/search/neighborhood.hpp"
#include "scheduler/search/search_state.hpp"
#include "scheduler/search/settings.hpp"
#include "scheduler/search/statistics.hpp"

namespace headroom::scheduler {

class LocalSearch {
  public:
    /// Keeps pointers to all arguments. `observer` may be null.
    LocalSearch(
        const Problem& problem,
        CostModel& model,
        const SearchSettings& settings,
        const SearchObserver* observer = nullptr
    );

    /// Records a placement without searching. Returns its score.
    Score offer(const Placement& placement);
    /// Descends from a placement, feasible or not.
    void descend_from(const Placement& placement);
    /// Descends from a placement by the directed neighbourhoods, and then again several times, each
    /// time with a larger part of D_mig for free, at the end `most`.
    void climb_from(const Placement& placement, Nanoseconds most);
    /// Descends from a placement, feasible or not, by the directed neighbourhoods, and records only
    /// the result.
    void repair(const Placement& placement);
    /// Moves back those blocks of the best placement whose migration gains nothing.
    void undo_idle_moves();
    /// Perturbs the best placement (or `fallback` while there is none) and descends, until the
    /// limit is reached or too many perturbations in a row have improved nothing.
    void perturb(const Placement& fallback);

    /// Uses other settings from now on. The limit stays.
    void use(const SearchSettings& settings) { state_.use(settings); }
    [[nodiscard]] const SearchSettings& settings() const { return state_.settings(); }
    [[nodiscard]] const std::optional<Found>& best() const { return state_.best(); }
    [[nodiscard]] const std::optional<Runner>& runner_up() const { return state_.runner_up(); }
    [[nodiscard]] std::int64_t limit() const { return state_.limit(); }
    /// Sets the limit of evaluated layers.
    void allow(std::int64_t limit) { state_.allow(limit); }
    void allow_more(std::int64_t evaluations) { allow(state_.evaluations() + evaluations); }
    /// Adds work that was done elsewhere for the same decision.
    void spend(std::int64_t work) { state_.spend(work); }
    [[nodiscard]] std::int64_t evaluations() const { return state_.evaluations(); }

  private:
    void descend(std::span<const Neighborhood> neighborhoods);
    bool improve_by(const Neighborhood& neighborhood);
    [[nodiscard]] Nanoseconds least_move() const;
    [[nodiscard]] std::vector<Relocation> perturbation(Random& random);
    [[nodiscard]] std::vector<Relocation> planned_again(std::size_t first, std::size_t second);

    SearchState state_;
    const SearchObserver* observer_;
};

} // namespace headroom::scheduler
