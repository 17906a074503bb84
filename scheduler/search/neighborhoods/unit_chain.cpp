#include "scheduler/search/neighborhoods/unit_chain.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "scheduler/search/neighborhoods/stage.hpp"

namespace headroom::scheduler {
namespace {

/// The stage while units are taken away from the device that finishes last.
class Chain {
  public:
    Chain(SearchState& state, Unit unit, std::size_t layer)
        : state_(state), gathering_(gathering_of(state, unit, layer)),
          first_(unit_of(state.blocks(), unit, layer, 0).index()),
          each_(state.ledger().bytes(BlockId(first_))),
          gone_(static_cast<std::size_t>(count_of(state.blocks(), unit)), false),
          migration_(state.incumbent().migration()), objective_(state.objective_now()) {
        for (std::size_t d = 0; d < state.devices(); ++d) {
            counts_.push_back(state.incumbent().units_on(unit, layer, d));
            ready_.push_back(counts_[d] > 0 ? finish(d, counts_[d]) : 0);
            room_.push_back(state.ledger().room(DeviceId(d)));
            with_one_more_.push_back(room_[d] < each_ ? kNever : finish(d, counts_[d] + 1));
        }
        input_ = state.step().input(
            gathering_.activation_device, gathering_.target, counts_[gathering_.target] > 0
        );
        others_time_ = state.incumbent().inference() - *std::ranges::max_element(ready_);
    }

    std::vector<Relocation> run() {
        while (extend()) {
        }
        state_.spend(2 + static_cast<std::int64_t>(changes_.size()));
        return std::move(changes_);
    }

  private:
    struct Step {
        Relocation change;
        Int128 objective = 0;
        Nanoseconds migration = 0;
    };
    /// The time that the changes add to a link.
    struct Lane {
        DeviceId from;
        DeviceId to;
        Nanoseconds added = 0;
    };

    [[nodiscard]] Nanoseconds finish(std::size_t d, std::int32_t n) const {
        return state_.model().finish(gathering_, d, n);
    }

    bool extend() {
        const auto last =
            static_cast<std::size_t>(std::ranges::max_element(ready_) - ready_.begin());
        if (ready_[last] <= input_ || counts_[last] == 0) {
            return false;
        }
        const Nanoseconds left = counts_[last] > 1 ? finish(last, counts_[last] - 1) : 0;
        const Step best = best_step(last, left);
        if (!best.change.block.valid()) {
            return false;
        }
        const BlockId block = best.change.block;
        const std::size_t to = best.change.to.index();
        const Moves& moves = state_.incumbent().moves();
        lanes_.push_back(
            {moves.previous_device(block), best.change.to, moves.time(block, best.change.to)}
        );
        gone_[block.index() - first_] = true;
        changes_.push_back(best.change);
        migration_ = best.migration;
        objective_ = best.objective;
        room_[to] -= each_;
        room_[last] += each_;
        ++counts_[to];
        --counts_[last];
        with_one_more_[last] = std::exchange(ready_[last], left);
        ready_[to] = std::exchange(
            with_one_more_[to], room_[to] < each_ ? kNever : finish(to, counts_[to] + 1)
        );
        return true;
    }

    Step best_step(std::size_t last, Nanoseconds left) {
        Nanoseconds others = std::max(input_, left);
        for (std::size_t d = 0; d < ready_.size(); ++d) {
            others = d == last ? others : std::max(others, ready_[d]);
        }
        units_.clear();
        for (std::size_t i = 0; i < gone_.size(); ++i) {
            const BlockId id(first_ + i);
            if (!gone_[i] && state_.ledger().where(id).index() == last) {
                add_unlike(state_, id, units_);
            }
        }
        Step best{{}, objective_, migration_};
        for (std::size_t d = 0; d < ready_.size(); ++d) {
            if (d == last || room_[d] < each_) {
                continue;
            }
            const Nanoseconds time = std::max(others, with_one_more_[d]);
            const Nanoseconds inference = others_time_ + time;
            if (time >= ready_[last] ||
                state_.objective_of(inference, migration_) >= best.objective) {
                continue;
            }
            for (const BlockId id : units_) {
                const Nanoseconds moving = std::max(migration_, moving_time(id, DeviceId(d)));
                const Int128 objective = state_.objective_of(inference, moving);
                if (objective < best.objective) {
                    best = {{id, DeviceId(d)}, objective, moving};
                }
            }
        }
        return best;
    }

    [[nodiscard]] Nanoseconds moving_time(BlockId id, DeviceId to) const {
        const DeviceId home = state_.incumbent().moves().previous_device(id);
        Nanoseconds time = state_.incumbent().migration_bound_with(id, to);
        for (const Lane& lane : lanes_) {
            time += lane.from == home && lane.to == to ? lane.added : 0;
        }
        return time;
    }

    SearchState& state_;
    Gathering gathering_;
    std::size_t first_; ///< index of the stage's first unit
    Bytes each_;        ///< the bytes of a unit
    std::vector<bool> gone_;
    Nanoseconds migration_;
    Int128 objective_;
    std::vector<std::int32_t> counts_;
    std::vector<Nanoseconds> ready_; ///< [device]: when its units are done; 0 if it has none
    /// [device]: when they would be done with another unit; kNever without room for one
    std::vector<Nanoseconds> with_one_more_;
    std::vector<Bytes> room_;
    Nanoseconds input_ = 0;       ///< when x is at the target
    Nanoseconds others_time_ = 0; ///< D_inf without the stage
    std::vector<Relocation> changes_;
    std::vector<Lane> lanes_;
    std::vector<BlockId> units_;
};

} // namespace

std::vector<Relocation> unit_chain(SearchState& state, Unit unit, std::size_t layer) {
    return Chain(state, unit, layer).run();
}

} // namespace headroom::scheduler
