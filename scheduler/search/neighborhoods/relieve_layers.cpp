// The time of a stage is that of the device that finishes last, so only moves of units on that
// device help (under cost profile `paper`, where transfers add up, moves from any device). A unit
// moves to the device where its computation and its migration cost least. If memory is short, a
// unit of another stage moves the other way. The effect of a move is computed from the times of the
// incumbent, and only the best move is evaluated.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "scheduler/search/neighborhood.hpp"
#include "scheduler/search/neighborhoods/stage.hpp"
#include "scheduler/search/neighborhoods/unit_chain.hpp"

namespace headroom::scheduler {
namespace {

struct UnitMove {
    Int128 objective = 0; ///< the objective after the move
    BlockId block;
    DeviceId from;
    DeviceId to;
};

/// Finds the best moves of one unit of a stage.
class UnitMoves {
  public:
    UnitMoves(SearchState& state, Unit unit, std::size_t layer)
        : state_(state), gathering_(gathering_of(state, unit, layer)),
          second_(state.step().input(
              gathering_.activation_device,
              gathering_.target,
              state.incumbent().units_on(unit, layer, gathering_.target) > 0
          )),
          fits_{state.objective_now(), {}, {}, {}}, any_(fits_) {
        for (std::size_t d = 0; d < state.devices(); ++d) {
            if (const std::int32_t n = count(d); n > 0) {
                const Nanoseconds time = finish(d, n);
                second_ = std::max(second_, std::min(time, latest_));
                last_ = time > latest_ ? d : last_;
                latest_ = std::max(latest_, time);
            }
        }
        state.spend(1);
        for (std::size_t d = 0; d < state.devices(); ++d) {
            const bool helps = state.model().adds_transfers() || (d == last_ && second_ < latest_);
            if (helps && count(d) > 0) {
                find_moves(d);
            }
        }
    }

    [[nodiscard]] const UnitMove& that_fits() const { return fits_; }
    /// Returns the best move whether it fits in memory or not.
    [[nodiscard]] const UnitMove& any() const { return any_; }

  private:
    [[nodiscard]] std::int32_t count(std::size_t d) const {
        return state_.incumbent().units_on(gathering_.unit, gathering_.layer, d);
    }
    [[nodiscard]] Nanoseconds finish(std::size_t d, std::int32_t n) const {
        return state_.model().finish(gathering_, d, n);
    }
    /// Returns what the n-th unit on d adds to the step beside the latest finish.
    [[nodiscard]] Nanoseconds added_by(std::size_t d, std::int32_t n) const {
        return state_.model().added(gathering_, d, n) - state_.model().added(gathering_, d, n - 1);
    }

    void find_moves(std::size_t from) {
        const std::int32_t n = count(from);
        const Nanoseconds left = n > 1 ? finish(from, n - 1) : 0;
        const Nanoseconds others = std::max(from == last_ ? second_ : latest_, left);
        const Nanoseconds rest = state_.incumbent().inference() - latest_ - added_by(from, n);
        const bool adds = state_.model().adds_transfers();
        list_units(state_, gathering_.unit, gathering_.layer, from, units_);
        for (std::size_t to = 0; to < state_.devices(); ++to) {
            if (to == from) {
                continue;
            }
            const std::int32_t there = count(to) + 1;
            const Nanoseconds inference =
                rest + std::max(others, finish(to, there)) + added_by(to, there);
            const Nanoseconds migration = state_.incumbent().migration();
            if (!adds && state_.objective_of(inference, migration) >= fits_.objective) {
                continue;
            }
            const bool room = fits(state_, units_.front(), gathering_.layer, to);
            for (const BlockId id : units_) {
                const Nanoseconds moving =
                    state_.incumbent().migration_bound_with(id, DeviceId(to));
                const Int128 objective = state_.objective_of(inference, moving);
                const UnitMove move{objective, id, DeviceId(from), DeviceId(to)};
                fits_ = room && objective < fits_.objective ? move : fits_;
                any_ = objective < any_.objective ? move : any_;
            }
        }
        state_.spend(adds ? 1 : 0);
    }

    SearchState& state_;
    Gathering gathering_;
    Nanoseconds latest_ = 0;
    Nanoseconds second_; ///< the second latest finish, or the arrival of x at the target
    std::size_t last_ = 0;
    UnitMove fits_;
    UnitMove any_;
    std::vector<BlockId> units_;
};

/// Moves a unit to a full device, and a unit of another stage the other way, if that stage loses
/// less time than this one gains.
class UnitExchange {
  public:
    UnitExchange(SearchState& state, const UnitMove& move)
        : state_(state), move_(move), gain_(state.objective_now() - move.objective),
          missing_(state.ledger().bytes(move.block) - state.ledger().room(move.to)) {}

    bool improve() {
        const BlockName& name = state_.blocks().name(move_.block);
        const auto layer = static_cast<std::size_t>(name.layer);
        for (std::size_t i = 0; i < state_.layers() && left_ > 0; ++i) {
            const std::size_t k = (layer + i) % state_.layers();
            for (const Unit unit : units_of(state_.blocks())) {
                const BlockKind kind = unit == Unit::group ? BlockKind::group : BlockKind::slice;
                if ((k != layer || kind != name.kind) && improve_with(unit, k)) {
                    return true;
                }
            }
        }
        state_.spend(1);
        return false;
    }

  private:
    bool improve_with(Unit unit, std::size_t layer) {
        const Incumbent& incumbent = state_.incumbent();
        const std::size_t from = move_.from.index();
        const std::size_t to = move_.to.index();
        if (incumbent.units_on(unit, layer, to) == 0 ||
            state_.ledger().bytes(unit_of(state_.blocks(), unit, layer, 0)) < missing_) {
            return false;
        }
        const Nanoseconds time = state_.model().finish(
            gathering_of(state_, unit, layer), from, incumbent.units_on(unit, layer, from) + 1
        );
        const Nanoseconds longer =
            std::max<Nanoseconds>(0, time - incumbent.stage_time(unit, layer));
        const Int128 loss = Int128{state_.problem().steps()} * longer;
        if (loss >= gain_) {
            return false;
        }
        list_units(state_, unit, layer, to, units_);
        const auto moving = [&](BlockId id) {
            return incumbent.migration_bound_with(id, move_.from);
        };
        const BlockId back = *std::ranges::min_element(units_, {}, moving);
        if (Int128{moving(back)} - state_.free_migration() + loss >= gain_) {
            return false;
        }
        --left_;
        return state_.consider({{move_.block, move_.to}, {back, move_.from}});
    }

    SearchState& state_;
    UnitMove move_;
    Int128 gain_;
    Bytes missing_;
    std::size_t left_ = state_.settings().exchange_partners;
    std::vector<BlockId> units_;
};

bool move_several(SearchState& state, Unit unit, std::size_t layer) {
    if (state.model().adds_transfers()) {
        return false;
    }
    const std::vector<Relocation> changes = unit_chain(state, unit, layer);
    return changes.size() > 1 && state.consider(changes);
}

bool relieve_stage(SearchState& state, Unit unit, std::size_t layer) {
    bool improved = false;
    while (!state.exhausted()) {
        const UnitMoves moves(state, unit, layer);
        const UnitMove& best = moves.that_fits();
        const UnitMove& any = moves.any();
        const bool helped = (best.block.valid() && (move_several(state, unit, layer) ||
                                                    state.consider({{best.block, best.to}}))) ||
                            (any.block.valid() && any.objective < best.objective &&
                             UnitExchange(state, any).improve());
        if (!helped) {
            break;
        }
        improved = true;
    }
    return improved;
}

} // namespace

bool relieve_layers(SearchState& state) {
    return state.sweep(Sweep::relieve, [&](std::size_t layer) {
        bool improved = false;
        for (const Unit unit : units_of(state.blocks())) {
            improved |= !state.exhausted() && relieve_stage(state, unit, layer);
        }
        return improved;
    });
}

} // namespace headroom::scheduler
