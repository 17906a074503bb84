#include "scheduler/search/neighborhoods/regroup.hpp"

#include <algorithm>
#include <utility>

#include "scheduler/core/units.hpp"

namespace headroom::scheduler {
namespace {

class Regrouping {
  public:
    Regrouping(SearchState& state, const Gathering& gathering, std::vector<std::int32_t> max_units)
        : state_(state), moves_(state.incumbent().moves()), left_(std::move(max_units)) {
        for (std::size_t d = 0; d < left_.size(); ++d) {
            const bool counts = state.model().adds_transfers() && d != gathering.target;
            price_.push_back(
                counts ? Int128{state.problem().steps()} * state.model().added(gathering, d, 1) : 0
            );
        }
        for (std::int32_t i = 0; i < count_of(state.blocks(), gathering.unit); ++i) {
            keep(unit_of(state.blocks(), gathering.unit, gathering.layer, i));
        }
    }

    std::vector<Relocation> run() {
        std::ranges::stable_sort(to_move_, {}, [&](BlockId b) {
            return moves_.previous_device(b);
        });
        for (std::size_t d = 0; d < left_.size(); ++d) {
            if (left_[d] > 0) {
                open_.push_back(d);
            }
        }
        load_.assign(open_.size(), 0);
        for (const BlockId id : to_move_) {
            move(id);
        }
        return std::move(changes_);
    }

  private:
    /// Leaves the unit where it is, or was before this decision, or notes that it has to move.
    void keep(BlockId id) {
        const DeviceId home = moves_.previous_device(id);
        const DeviceId anchor = home.valid() ? home : state_.ledger().where(id);
        if (left_[anchor.index()] > 0 && !(home.valid() && is_cheaper_elsewhere(id, home))) {
            --left_[anchor.index()];
            changes_.push_back({id, anchor});
        } else {
            to_move_.push_back(id);
        }
    }

    [[nodiscard]] bool is_cheaper_elsewhere(BlockId id, DeviceId home) const {
        const Int128 here = price_[home.index()];
        for (std::size_t d = 0; d < left_.size(); ++d) {
            if (left_[d] > 0 && price_[d] < here &&
                price_[d] + moves_.time(id, DeviceId(d)) < here) {
                return true;
            }
        }
        return false;
    }

    void move(BlockId id) {
        if (moves_.previous_device(id) != home_) {
            home_ = moves_.previous_device(id);
            std::ranges::fill(load_, 0);
        }
        std::size_t best = open_.size();
        Int128 least = 0;
        for (std::size_t i = 0; i < open_.size(); ++i) {
            const std::size_t d = open_[i];
            const Int128 cost = price_[d] + load_[i] + moves_.time(id, DeviceId(d));
            if (left_[d] > 0 && (best == open_.size() || cost < least)) {
                best = i;
                least = cost;
            }
        }
        const DeviceId to(open_[best]);
        --left_[to.index()];
        load_[best] += state_.model().adds_transfers() ? 0 : moves_.time(id, to);
        changes_.push_back({id, to});
    }

    SearchState& state_;
    const Moves& moves_;
    std::vector<std::int32_t> left_; ///< [device]: how many more units it may have
    std::vector<Int128> price_;      ///< [device]: what a unit there adds to the objective
    std::vector<BlockId> to_move_;
    std::vector<std::size_t> open_; ///< the devices that may have further units
    std::vector<Nanoseconds> load_; ///< of the links from home_ to the open devices
    DeviceId home_;
    std::vector<Relocation> changes_;
};

} // namespace

std::vector<Relocation> regroup(
    SearchState& state, const Gathering& gathering, std::vector<std::int32_t> max_units
) {
    return Regrouping(state, gathering, std::move(max_units)).run();
}

} // namespace headroom::scheduler
