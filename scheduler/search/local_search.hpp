// Local search over placements: from a given start, accept what improves, until nothing in the
// neighbourhood does; then kick the best placement and descend again. Work is counted in evaluated
// layers, so a decision is reproducible on any machine.
#pragma once

#include <algorithm>
#include <array>
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

/// A feasible placement that was met on the way.
struct Found {
    Placement placement;
    Int128 objective = 0;
};

/// The cheapest feasible placement met that is not the previous one: for people who ask why
/// nothing moved.
struct Runner {
    Int128 objective = 0;
    Nanoseconds inference = 0;
    Nanoseconds migration = 0;
};

class Search {
  public:
    /// In large problems, where one pass of all moves would cost more than the whole decision may,
    /// a brief search plans layers afresh and sends blocks home, and tries nothing else.
    enum class Extent : std::uint8_t { thorough, brief };

    /// Keeps pointers to both; `limit`: evaluated layers after which every descent stops.
    Search(
        const Problem& problem,
        const StepDelay& step,
        std::int64_t limit,
        Extent extent = Extent::thorough
    );

    /// Offers a placement without searching; returns its score.
    Score offer(const Placement& placement);
    /// Descends from a placement, feasible or not; then again and again with ever more of D_mig
    /// for nothing, because D_mig is a maximum: what is worth moving only pays together.
    void climb_from(const Placement& placement, Nanoseconds most, int budgets);
    [[nodiscard]] std::int64_t limit() const { return limit_; }
    /// From now on everything is tried; work is counted as before.
    void widen() { brief_ = false; }
    /// From now on every descent stops after so many evaluated layers.
    void allow(std::int64_t limit) { limit_ = limit; }
    /// Descends from a placement, feasible or not.
    void descend_from(const Placement& placement);
    /// Kicks the best placement (or `fallback` while there is none) and descends, until the limit
    /// or `fruitless` kicks in a row without an improvement.
    void kick(const Placement& fallback, int fruitless);

    [[nodiscard]] const std::optional<Found>& best() const { return best_; }
    [[nodiscard]] const std::optional<Runner>& runner_up() const { return runner_up_; }
    /// Counts work that was done elsewhere for the same decision.
    void spend(std::int64_t work) { spent_ += work; }
    [[nodiscard]] std::int64_t evaluations() const { return spent_; }
    [[nodiscard]] bool exhausted() const { return spent_ >= limit_; }

  private:
    /// How scores are compared: with a price per missing byte, or feasible before all else.
    struct Rule {
        bool strict = true;
        Int128 price = 0;       ///< 2^-20 ns per byte
        Nanoseconds budget = 0; ///< D_mig up to this much counts as this much
    };
    [[nodiscard]] bool better(const Score& a, const Score& b) const;
    /// The objective as the rule sees it.
    [[nodiscard]] Int128 seen(const Score& score) const {
        return score.objective + std::max<Nanoseconds>(0, rule_.budget - score.migration);
    }
    [[nodiscard]] Int128 seen() const { return seen(draft_->score()); }
    /// The same of another D_inf and D_mig.
    [[nodiscard]] Int128 seen(Nanoseconds inference, Nanoseconds migration) const {
        return Int128{std::max(migration, rule_.budget)} + Int128{problem_->steps()} * inference;
    }
    [[nodiscard]] Rule gentle_price(const Score& score) const;
    bool consider(std::span<const Relocation> changes);
    bool consider(std::initializer_list<Relocation> changes) {
        return consider(std::span<const Relocation>(changes.begin(), changes.size()));
    }
    void go_to(const Placement& placement);
    void note();
    void settle_down();
    using Kind = bool (Search::*)();
    /// Kinds of moves in turn, from the first again after each improvement.
    bool try_all(std::span<const Kind> kinds);
    void descend();
    void directed_descent();

    // Directed moves (bottleneck_moves.cpp): little work, each where a layer's time is lost.
    struct Drain {
        Int128 seen = 0; ///< the objective it would give
        BlockId block;
        DeviceId from;
        DeviceId to;
    };
    /// The best one within memory, and the best one of all.
    struct Drains {
        Drain fits;
        Drain any;
        void offer(const Drain& drain, bool room);
    };
    bool drains();
    bool drain(Unit unit, std::size_t layer);
    void list_units(Unit unit, std::size_t layer, std::size_t d);
    [[nodiscard]] Drains late_drains(Unit unit, std::size_t layer);
    [[nodiscard]] Drains formula_drains(std::size_t layer);
    [[nodiscard]] std::vector<Relocation> cascade(Unit unit, std::size_t layer);
    bool drain_by_swap(const Drain& drain);
    bool host_moves();
    bool host_move(std::size_t layer);
    /// What moving a single unit takes at least.
    [[nodiscard]] Nanoseconds least_move() const;
    bool reliefs();
    bool relief(DeviceId from);

    // The neighbourhood (basic_moves.cpp, layer_replanning.cpp, swap_moves.cpp): each returns
    // whether it improved.
    bool heavy_moves();
    bool unit_moves();
    bool end_moves();
    bool layer_moves();
    bool device_moves();
    bool device_move(DeviceId from, DeviceId to);
    bool homeward_moves();
    bool reroutes();
    bool reroute(BlockId block);
    bool replans();
    bool heavy_swaps();
    bool unit_swaps();
    struct LayerUnit {
        Unit unit;
        std::size_t layer;
    };
    bool unit_swap(const LayerUnit& one, DeviceId from, DeviceId to, bool full);
    bool with_room_made(std::size_t layer, BlockId heavy, std::size_t to);

    /// k units of a layer on device a, those that belong on b first, settled ones last.
    [[nodiscard]] std::vector<BlockId> pick_units(
        Unit unit, std::size_t layer, std::size_t a, std::size_t b, std::int32_t k
    );
    /// Changes that leave every device at most so many units of a layer, which must hold them all:
    /// units stay at home if they may, the others go where that is cheapest.
    [[nodiscard]] std::vector<Relocation> regroup(
        const Gathering& gathering, std::vector<std::int32_t> caps
    );
    /// Changes that make a layer what the plan says.
    [[nodiscard]] std::vector<Relocation> changes_to(std::size_t layer, const LayerCounts& counts);
    [[nodiscard]] Nanoseconds after(std::size_t layer, std::size_t d) const;
    [[nodiscard]] HostCosts host_costs(std::size_t layer, const Hosts& hosts) const;
    [[nodiscard]] Hosts hosts(const LayerRoom& room) const;
    bool replan(std::size_t layer);
    bool replan_homeward(LayerRoom& room, std::size_t proj, std::size_t ffn, Nanoseconds others);
    bool thresholds(
        const Gathering& gathering,
        const std::vector<std::int32_t>& caps,
        std::vector<Relocation> rest,
        Nanoseconds begin,
        Nanoseconds others
    );
    /// When units are done at their gathering device.
    [[nodiscard]] Nanoseconds done(const Gathering& gathering, std::size_t d, std::int32_t n)
        const {
        const auto& [layer, holder, target, unit] = gathering;
        return step_->partial(layer, holder, d, target, n, unit);
    }
    [[nodiscard]] Gathering gathering(Unit unit, std::size_t layer) const {
        const std::size_t target = draft_->proj(layer);
        return {
            layer, unit == Unit::group ? draft_->activation_device(layer) : target, target, unit};
    }
    /// Whether a block of a layer fits on a device, beside what is there.
    [[nodiscard]] bool fits(BlockId b, std::size_t layer, std::size_t d) const {
        const Ledger& ledger = draft_->ledger();
        return ledger.left(static_cast<std::int32_t>(layer), DeviceId(d))
                   .times(ledger.need(b), 1) == 1;
    }
    [[nodiscard]] std::vector<Relocation> kick_changes(Random& random);
    [[nodiscard]] std::vector<Relocation> recreate(std::size_t first, std::size_t second);

    /// The blocks that are not spread; sliced: both are the hub.
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
    bool counts_changes_; ///< as work: in small fleets they hardly matter
    std::int64_t spent_ = 0;
    std::size_t layers_;
    std::size_t devices_;
    std::optional<Draft> draft_;
    Rule rule_;
    std::optional<Found> best_;
    std::optional<Runner> runner_up_;
    bool quiet_ = false;         ///< whoever descends notes where that ends
    std::vector<BlockId> units_; ///< of list_units
};

} // namespace headroom::scheduler
