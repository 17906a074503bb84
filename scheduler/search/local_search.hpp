// Iterated local search over placements. A move is a change of a placement. A descent from a given
// placement makes improving moves until none of the moves that it tries improves; then the best
// placement is perturbed and the next descent begins. Work is counted in evaluated layers and
// limited by this count, not by time, so that a decision is the same on any machine.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

#include "base/random.hpp"
#include "scheduler/construct/chain_planner.hpp"
#include "scheduler/construct/layer_plan.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/cost/incumbent.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

/// A feasible placement that the search has found.
struct Found {
    Placement placement;
    Int128 objective = 0;
};

/// The costs of the best feasible placement found other than the previous one. A decision that
/// keeps the previous placement states these costs as its reason.
struct Runner {
    Int128 objective = 0;
    Delays delays;
};

class Search {
  public:
    /// A brief search tries only a few kinds of moves. It is for large problems, in which trying
    /// every move once would take longer than a whole decision may.
    enum class Extent : std::uint8_t { thorough, brief };

    /// Keeps pointers to problem and step. Descents stop when `limit` layers have been evaluated.
    Search(
        const Problem& problem,
        const StepDelay& step,
        std::int64_t limit,
        Extent extent = Extent::thorough
    );

    /// Records a placement without searching. Returns its score.
    Score offer(const Placement& placement);
    /// Descends from a placement, feasible or not, and then up to `budgets` times more, each time
    /// with a larger part of D_mig for free, at the end `most`. This helps because D_mig is a
    /// maximum over links: after the first block has moved over one link, others can move over
    /// other links at no cost.
    void climb_from(const Placement& placement, Nanoseconds most, int budgets);
    [[nodiscard]] std::int64_t limit() const { return limit_; }
    /// Makes a brief search try all moves from now on. Work is counted as before.
    void widen() { brief_ = false; }
    /// Sets the limit of evaluated layers.
    void allow(std::int64_t limit) { limit_ = limit; }
    /// Descends from a placement, feasible or not.
    void descend_from(const Placement& placement);
    /// Descends from a placement, feasible or not, by few directed moves: to repair it and to
    /// relieve the bottlenecks of its layers. Records the result only.
    void repair(const Placement& placement);
    /// Perturbs the best placement (or `fallback` while there is none) and descends, until the
    /// limit is reached or `max_without_improvement` perturbations in a row have improved nothing.
    void kick(const Placement& fallback, int max_without_improvement);

    [[nodiscard]] const std::optional<Found>& best() const { return best_; }
    [[nodiscard]] const std::optional<Runner>& runner_up() const { return runner_up_; }
    /// Adds work that was done elsewhere for the same decision.
    void spend(std::int64_t work) { spent_ += work; }
    [[nodiscard]] std::int64_t evaluations() const { return spent_; }
    [[nodiscard]] bool exhausted() const { return spent_ >= limit_; }

  private:
    /// How scores are compared: if `strict`, by missing memory and then by objective; otherwise by
    /// objective plus a penalty for missing memory.
    struct Acceptance {
        bool strict = true;
        Int128 penalty = 0;        ///< per missing byte, in 2^-20 ns
        Nanoseconds allowance = 0; ///< D_mig up to this amount is free
    };
    [[nodiscard]] bool better(const Score& a, const Score& b) const;
    /// These return the objective of a score, of the present candidate and of given delays. If
    /// D_mig is below the allowance, the allowance is counted instead.
    [[nodiscard]] Int128 objective_of(const Score& score) const {
        return score.objective + std::max<Nanoseconds>(0, acceptance_.allowance - score.migration);
    }
    [[nodiscard]] Int128 objective_now() const { return objective_of(draft_->score()); }
    [[nodiscard]] Int128 objective_of(Nanoseconds inference, Nanoseconds migration) const {
        return Int128{std::max(migration, acceptance_.allowance)} +
               Int128{problem_->steps()} * inference;
    }
    [[nodiscard]] Acceptance initial_penalty(const Score& score) const;
    bool consider(std::span<const Relocation> changes);
    bool consider(std::initializer_list<Relocation> changes) {
        return consider(std::span<const Relocation>(changes.begin(), changes.size()));
    }
    void go_to(const Placement& placement);
    void record();
    void descend_to_feasible();
    using Kind = bool (Search::*)();
    /// Tries the kinds of moves in order, and starts again with the first after each improvement.
    bool try_all(std::span<const Kind> kinds);
    void descend();
    void directed_descent();

    // Cheap moves that relieve the bottleneck of a layer. A unit is a group or a slice of it.
    struct UnitMove {
        Int128 objective = 0; ///< the objective after the move
        BlockId block;
        DeviceId from;
        DeviceId to;
    };
    /// The best move that fits in memory, and the best move whether it fits or not.
    struct UnitMoves {
        UnitMove fits;
        UnitMove any;
        void offer(const UnitMove& move, bool room);
    };
    bool bottleneck_moves();
    bool relieve_bottleneck(Unit unit, std::size_t layer);
    void list_units(Unit unit, std::size_t layer, std::size_t d);
    void list_unit(BlockId id);
    [[nodiscard]] UnitMoves moves_of_latest(Unit unit, std::size_t layer);
    [[nodiscard]] UnitMoves moves_by_formula(std::size_t layer);
    [[nodiscard]] std::vector<Relocation> chained_moves(Unit unit, std::size_t layer);
    bool swap_instead(const UnitMove& move);
    bool host_moves();
    bool host_move(std::size_t layer);
    /// Returns the shortest time in which any one unit can move.
    [[nodiscard]] Nanoseconds least_move() const;
    bool repair_moves();
    bool repair_device(DeviceId from);

    // The neighbourhood (basic_moves.cpp, layer_replanning.cpp, swap_moves.cpp). These functions
    // return whether the candidate has improved.
    bool heavy_moves();
    bool unit_moves();
    bool end_moves();
    bool layer_moves();
    bool device_moves();
    bool device_move(DeviceId from, DeviceId to);
    bool undo_migration();
    bool reroutes();
    bool reroute(BlockId block);
    bool reoptimise_layers();
    bool heavy_swaps();
    bool unit_swaps();
    struct LayerUnit {
        Unit unit;
        std::size_t layer;
    };
    bool unit_swap(const LayerUnit& one, DeviceId from, DeviceId to, bool full);
    bool with_room_made(std::size_t layer, BlockId heavy, std::size_t to);

    /// Returns k units of a layer on device a that are to move to b: first those whose previous
    /// device is b, last those whose previous device is a.
    [[nodiscard]] std::vector<BlockId> pick_units(
        Unit unit, std::size_t layer, std::size_t a, std::size_t b, std::int32_t k
    );
    /// Returns changes after which each device d has at most max_units[d] units of the layer. Units
    /// are on their previous device if that is possible, and otherwise where moving them costs
    /// least. Precondition: the limits admit all units.
    [[nodiscard]] std::vector<Relocation> regroup(
        const Gathering& gathering, std::vector<std::int32_t> max_units
    );
    /// Returns the changes that realise these counts in a layer.
    [[nodiscard]] std::vector<Relocation> changes_to(std::size_t layer, const LayerCounts& counts);
    [[nodiscard]] Nanoseconds after(std::size_t layer, std::size_t d) const;
    [[nodiscard]] HostCosts host_costs(std::size_t layer, const Hosts& hosts) const;
    [[nodiscard]] Hosts hosts(const LayerRoom& room) const;
    bool reoptimise_layer(std::size_t layer);
    bool reoptimise_for_hosts(
        LayerRoom& room, std::size_t proj, std::size_t ffn, Nanoseconds others
    );
    bool try_thresholds(
        const Gathering& gathering,
        const std::vector<std::int32_t>& max_units,
        std::vector<Relocation> rest,
        Nanoseconds begin,
        Nanoseconds others
    );
    /// Returns when the outputs of n units on d are at the target, the device that adds them up.
    [[nodiscard]] Nanoseconds done(const Gathering& gathering, std::size_t d, std::int32_t n)
        const {
        const auto& [layer, holder, target, unit] = gathering;
        return step_->partial(layer, holder, d, target, n, unit);
    }
    /// Returns when x, the input of the units, has arrived at the target.
    [[nodiscard]] Nanoseconds input_of(const Gathering& gathering) const {
        const auto& [layer, holder, target, unit] = gathering;
        return step_->input(holder, target, draft_->units_on(unit, layer, target) > 0);
    }
    [[nodiscard]] Gathering gathering(Unit unit, std::size_t layer) const {
        const std::size_t target = draft_->proj(layer);
        return {
            layer, unit == Unit::group ? draft_->activation_device(layer) : target, target, unit};
    }
    /// Returns whether a block of a layer fits on d beside the blocks there.
    [[nodiscard]] bool fits(BlockId b, std::size_t layer, std::size_t d) const {
        const Ledger& ledger = draft_->ledger();
        return ledger.left(static_cast<std::int32_t>(layer), DeviceId(d))
                   .times(ledger.need(b), 1) == 1;
    }
    [[nodiscard]] std::vector<Relocation> perturbation(Random& random);
    [[nodiscard]] std::vector<Relocation> ruin_and_recreate(std::size_t first, std::size_t second);

    /// Return the blocks of a layer that are not units. With granularity `sliced` both are the hub.
    [[nodiscard]] BlockId proj(std::size_t layer) const {
        return reduction_block_of(*problem_->blocks, layer);
    }
    [[nodiscard]] BlockId ffn(std::size_t layer) const {
        return activation_block_of(*problem_->blocks, layer);
    }

    const Problem* problem_;
    const StepDelay* step_;
    Spreads spreads_;
    std::int64_t limit_;
    bool brief_;
    bool counts_changes_; ///< whether changes count as work, too (in large fleets)
    std::int64_t spent_ = 0;
    std::size_t layers_;
    std::size_t devices_;
    std::optional<Draft> draft_;
    Acceptance acceptance_;
    std::optional<Found> best_;
    std::optional<Runner> runner_up_;
    bool records_end_only_ = false; ///< whether a descent records its last placement only
    std::vector<BlockId> units_;    ///< the result of list_units
};

} // namespace headroom::scheduler
