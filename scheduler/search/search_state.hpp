// What the neighbourhoods of a search share: the incumbent, the rule by which it may change, the
// best placement so far, and the work that is left. Work is counted in evaluated layers and limited
// by this count, not by time, so that a decision is the same on every machine.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

#include "scheduler/construct/chain_planner.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/cost/incumbent.hpp"
#include "scheduler/search/cost_model.hpp"
#include "scheduler/search/settings.hpp"

namespace headroom::scheduler {

/// A feasible placement that the search has found.
struct Found {
    Placement placement;
    Int128 objective = 0;
    Nanoseconds tie_break = 0; ///< Score::tie_break
};

/// The costs of the best feasible placement found other than the previous one. A decision that
/// keeps the previous placement states these costs as its reason.
struct Runner {
    Int128 objective = 0;
    Delays delays;
};

/// The neighbourhoods that go from layer to layer.
enum class Sweep : std::uint8_t { relieve, hosts, reoptimise };
inline constexpr std::size_t kSweeps = 3;

class SearchState {
  public:
    /// Keeps pointers to problem, model and settings.
    SearchState(const Problem& problem, CostModel& model, const SearchSettings& settings);

    [[nodiscard]] const Problem& problem() const { return *problem_; }
    [[nodiscard]] const Blocks& blocks() const { return *problem_->blocks; }
    [[nodiscard]] CostModel& model() { return *model_; }
    [[nodiscard]] const CostModel& model() const { return *model_; }
    [[nodiscard]] const StepDelay& step() const { return model_->step(); }
    [[nodiscard]] Spreads& spreads() { return spreads_; }
    [[nodiscard]] const SearchSettings& settings() const { return *settings_; }
    void use(const SearchSettings& settings) { settings_ = &settings; }
    [[nodiscard]] std::size_t layers() const { return layers_; }
    [[nodiscard]] std::size_t devices() const { return step().devices(); }

    /// Makes this placement, feasible or not, the incumbent. The functions below need one.
    void go_to(const Placement& placement);
    [[nodiscard]] Incumbent& incumbent() { return *incumbent_; }
    [[nodiscard]] const Incumbent& incumbent() const { return *incumbent_; }
    [[nodiscard]] const Ledger& ledger() const { return incumbent_->ledger(); }
    [[nodiscard]] const Score& score() const { return score_; }
    /// Makes the changes, and keeps them if the incumbent is better then. Returns whether it is.
    bool consider(std::span<const Relocation> changes);
    bool consider(std::initializer_list<Relocation> changes) {
        return consider(std::span<const Relocation>(changes.begin(), changes.size()));
    }
    /// Returns the score that the incumbent would have after the changes, if that is better than
    /// `rival`; otherwise nullopt.
    [[nodiscard]] std::optional<Score> probe(
        std::span<const Relocation> changes, const Score& rival
    );
    /// Makes the changes, whether the incumbent is better then or not.
    void change(std::span<const Relocation> changes);
    /// Records the incumbent if it is the best feasible one, or the best that moves blocks.
    void record();
    [[nodiscard]] const std::optional<Found>& best() const { return best_; }
    [[nodiscard]] const std::optional<Runner>& runner_up() const { return runner_up_; }

    /// D_mig up to this amount costs nothing from now on. This helps because D_mig is a maximum
    /// over links: after the first block has moved over one link, others can move over other links
    /// at no cost.
    void set_allowance(Nanoseconds allowance) { allowance_ = allowance; }
    /// Returns the D_mig up to which further moves over other links cost nothing.
    [[nodiscard]] Nanoseconds free_migration() const {
        return std::max(score_.migration, allowance_);
    }
    /// Return the objective, with at least the allowance as D_mig: of a score, of the incumbent,
    /// and of given delays.
    [[nodiscard]] Int128 objective_of(const Score& score) const {
        return score.objective + std::max<Nanoseconds>(0, allowance_ - score.migration);
    }
    [[nodiscard]] Int128 objective_now() const { return objective_of(score_); }
    [[nodiscard]] Int128 objective_of(Nanoseconds inference, Nanoseconds migration) const {
        return Int128{std::max(migration, allowance_)} + Int128{problem_->steps()} * inference;
    }

    /// Calls improve(layer), which returns whether the incumbent has improved, for every layer, as
    /// long as work is left. Leaves out layers for which the sweep failed before, if neither the
    /// layer nor the one before or after it has changed since. Returns whether any call improved.
    template <class Improve>
    bool sweep(Sweep sweep, const Improve& improve);
    /// Makes sweeps try all layers again. Returns whether any was left out since the last call.
    bool forget_failed_sweeps();

    /// Whether consider() records better placements; otherwise only record() does.
    void record_each(bool each) { records_each_ = each; }
    [[nodiscard]] std::int64_t limit() const { return limit_; }
    void allow(std::int64_t limit) { limit_ = limit; }
    void spend(std::int64_t work) { spent_ += work; }
    [[nodiscard]] std::int64_t evaluations() const { return spent_; }
    [[nodiscard]] bool exhausted() const { return spent_ >= limit_; }
    /// The numbers of changes that consider() tried and kept so far.
    [[nodiscard]] std::int64_t tried() const { return tried_; }
    [[nodiscard]] std::int64_t kept() const { return kept_; }

  private:
    /// Makes the changes and scores the incumbent. Returns false, with nothing changed, if it would
    /// lack more memory.
    bool attempt(std::span<const Relocation> changes, const Score& rival);
    void undo(const Score& before);
    void note_changed(std::span<const Relocation> changes);
    [[nodiscard]] bool has_changed_since(std::size_t layer, std::int64_t time) const;
    void score_incumbent(std::int64_t evaluations_before, const Score* rival);

    const Problem* problem_;
    CostModel* model_;
    const SearchSettings* settings_;
    Spreads spreads_;
    std::size_t layers_;
    std::optional<Incumbent> incumbent_;
    Score score_; ///< of the incumbent, by the model
    Nanoseconds allowance_ = 0;
    std::optional<Found> best_;
    std::optional<Runner> runner_up_;
    bool records_each_ = true;
    std::int64_t limit_;
    std::int64_t spent_ = 0;
    std::int64_t tried_ = 0;
    std::int64_t kept_ = 0;
    std::int64_t time_ = 0;             ///< increases with every change and every failed sweep
    std::vector<std::int64_t> changed_; ///< [layer]: when it changed last
    std::array<std::vector<std::int64_t>, kSweeps> failed_; ///< [sweep][layer]: when it failed last
    bool left_out_ = false;
};

template <class Improve>
bool SearchState::sweep(Sweep sweep, const Improve& improve) {
    std::vector<std::int64_t>& failed = failed_[static_cast<std::size_t>(sweep)];
    bool improved = false;
    for (std::size_t l = 0; l < layers_ && !exhausted(); ++l) {
        if (!has_changed_since(l, failed[l])) {
            left_out_ = true;
        } else if (improve(l)) {
            improved = true;
        } else {
            failed[l] = ++time_;
        }
    }
    return improved;
}

} // namespace headroom::scheduler
