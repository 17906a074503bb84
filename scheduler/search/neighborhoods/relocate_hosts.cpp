// Moves one host to the best other device: the proj or the ffn of a layer, its hub, embed or
// lm_head. Units do not move. The effect is computed from the times of the incumbent, and only the
// best move of a layer is evaluated.
#include <algorithm>
#include <cstdint>

#include "scheduler/search/neighborhood.hpp"
#include "scheduler/search/neighborhoods/stage.hpp"

namespace headroom::scheduler {
namespace {

/// Tries other hosts of one layer. Lower bounds, which leave out transfers that depend on the host,
/// spare most evaluations.
class HostMove {
  public:
    HostMove(SearchState& state, std::size_t layer)
        : state_(state), incumbent_(state.incumbent()), layer_(layer),
          shape_(incumbent_.shape(layer)), following_(time_after(state, layer, shape_.ffn)),
          rest_(incumbent_.inference() - incumbent_.layer_time(layer) - following_),
          least_(state.objective_now()), least_following_(least_following()),
          least_groups_(least_stage(Unit::group, layer, true)),
          least_slices_(state.step().sliced() ? least_stage(Unit::slice, layer, false) : 0) {
        state.spend(state.step().sliced() ? 4 : 3);
    }

    bool improve() {
        for (std::size_t d = 0; d < state_.devices(); ++d) {
            if (d != shape_.ffn && state_.step().sliced()) {
                try_hub(d);
            } else if (d != shape_.ffn) {
                try_ffn(d);
            }
            if (d != shape_.proj && !state_.step().sliced()) {
                try_proj(d);
            }
        }
        return best_.block.valid() && state_.consider({best_});
    }

  private:
    /// A move of a block, with the D_mig that it leads to.
    struct Move {
        BlockId block;
        std::size_t to;
        Nanoseconds migration;
    };

    [[nodiscard]] Move move_of(BlockId b, std::size_t d) const {
        return {b, d, incumbent_.migration_bound_with(b, DeviceId(d))};
    }
    /// Returns whether the move wins if the layer and what follows take this time.
    [[nodiscard]] bool wins(const Move& move, Nanoseconds time) const {
        return state_.objective_of(rest_ + time, move.migration) < least_;
    }
    [[nodiscard]] bool has_room(const Move& move) const {
        return fits(state_, move.block, layer_, move.to);
    }
    void offer(const Move& move, Nanoseconds time) {
        if (wins(move, time)) {
            least_ = state_.objective_of(rest_ + time, move.migration);
            best_ = {move.block, DeviceId(move.to)};
        }
    }
    /// Returns the part of D_inf after the layer if x is on d then.
    Nanoseconds following(std::size_t d) {
        state_.spend(1);
        return time_after(state_, layer_, d);
    }

    void try_ffn(std::size_t d) {
        const StepDelay& step = state_.step();
        const Move move = move_of(ffn_of(state_, layer_), d);
        const Nanoseconds time =
            incumbent_.until_proj(layer_) + step.from_proj(layer_, shape_.proj, d);
        if (wins(move, time + least_following_) && has_room(move)) {
            offer(move, time + following(d));
        }
    }

    void try_proj(std::size_t d) {
        const Move move = move_of(proj_of(state_, layer_), d);
        const Nanoseconds time = state_.step().from_proj(layer_, d, shape_.ffn) + following_;
        if (wins(move, least_groups_ + time) && has_room(move)) {
            offer(move, until_proj(d) + time);
        }
    }

    void try_hub(std::size_t d) {
        const Move move = move_of(ffn_of(state_, layer_), d);
        Nanoseconds later = least_slices_ + least_following_;
        if (!wins(move, least_groups_ + later) || !has_room(move)) {
            return;
        }
        const Nanoseconds groups = until_proj(d);
        if (!wins(move, groups + later)) {
            return;
        }
        state_.spend(1);
        const Nanoseconds layer = groups + state_.step().through_slices(layer_, d, shape_.slices);
        if (wins(move, layer + least_following_)) {
            offer(move, layer + following(d));
        }
    }

    Nanoseconds until_proj(std::size_t target) {
        state_.spend(1);
        return state_.step().until_proj(
            layer_,
            incumbent_.activation_device(layer_),
            {shape_.groups, target, target, shape_.slices}
        );
    }

    /// Returns the latest time at which a device finishes its units of a stage, without transfers
    /// to the target, and from the arrival of x if not `with_input`.
    [[nodiscard]] Nanoseconds least_stage(Unit unit, std::size_t layer, bool with_input) const {
        const std::size_t holder = incumbent_.activation_device(layer);
        Nanoseconds latest = 0;
        for (std::size_t d = 0; d < state_.devices(); ++d) {
            if (const std::int32_t n = incumbent_.units_on(unit, layer, d); n > 0) {
                const Nanoseconds input = with_input && !state_.model().adds_transfers()
                                              ? state_.step().x_time(holder, d)
                                              : 0;
                latest = std::max(latest, input + state_.step().units_time(layer, d, unit, n));
            }
        }
        return latest;
    }

    /// Returns the least part of D_inf after the layer, wherever x is then.
    [[nodiscard]] Nanoseconds least_following() const {
        return layer_ + 1 == state_.layers()
                   ? 0
                   : least_stage(Unit::group, layer_ + 1, false) +
                         incumbent_.layer_time(layer_ + 1) - incumbent_.until_proj(layer_ + 1);
    }

    SearchState& state_;
    const Incumbent& incumbent_;
    std::size_t layer_;
    StepDelay::LayerShape shape_;
    Nanoseconds following_; ///< the part of D_inf after the layer
    Nanoseconds rest_;      ///< the part of D_inf before the layer
    Int128 least_;          ///< the least objective found
    Nanoseconds least_following_;
    Nanoseconds least_groups_; ///< least time until all groups are done
    Nanoseconds least_slices_; ///< least time from then on until all slices are done
    Relocation best_;
};

bool relocate_ends(SearchState& state) {
    const Problem& problem = state.problem();
    if (!problem.blocks->shape().has_ends || problem.ends_at_source ||
        !state.model().counts_ends()) {
        return false;
    }
    const BlockId embed = problem.blocks->embed();
    const BlockId lm_head = problem.blocks->lm_head();
    bool improved = false;
    for (std::size_t d = 0; d < state.devices(); ++d) {
        const DeviceId to(d);
        improved |= state.consider({{embed, to}});
        improved |= state.consider({{lm_head, to}});
        improved |= state.consider({{embed, to}, {lm_head, to}});
    }
    return improved;
}

} // namespace

bool relocate_hosts(SearchState& state) {
    bool improved = state.sweep(Sweep::hosts, [&](std::size_t layer) {
        return HostMove(state, layer).improve();
    });
    if (!state.exhausted()) {
        improved |= relocate_ends(state);
    }
    return improved;
}

} // namespace headroom::scheduler
