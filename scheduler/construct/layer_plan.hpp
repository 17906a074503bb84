// One layer placed within the memory that is left: which devices host its proj and ffn (or its
// hub), and how many units each device takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "scheduler/construct/chain_planner.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/cost/memory_ledger.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

struct LayerPlan {
    Nanoseconds time = kNever; ///< kNever: nothing fits
    LayerCounts counts;
};

/// What each device has left for one layer.
class LayerRoom {
  public:
    /// With the layer's own blocks lifted, wherever they are.
    LayerRoom(const Problem& problem, const Ledger& ledger, std::size_t layer);

    [[nodiscard]] std::size_t layer() const { return layer_; }
    /// Charges a block to a device, or gives it back.
    void take(BlockId b, std::size_t d) { left_[d].add(ledger_->need(b), -1); }
    void give(BlockId b, std::size_t d) { left_[d].add(ledger_->need(b), 1); }
    [[nodiscard]] bool fits(BlockId b, std::size_t d) const {
        const Amount need = ledger_->need(b);
        return free(d, need.bytes).times(need, 1) == 1;
    }
    /// Most units on d, beside what is taken.
    [[nodiscard]] std::int32_t cap(Unit unit, std::size_t d) const {
        return free(d, need(unit).bytes).times(need(unit), count_of(*blocks_, unit));
    }
    /// The same on every device.
    [[nodiscard]] std::vector<std::int32_t> caps(Unit unit) const;
    /// Charges counts of units.
    void take(Unit unit, const std::vector<std::int32_t>& counts);
    /// From now on smaller blocks may only use what whole blocks of this size leave on a device,
    /// so that room for those is not broken up.
    void reserve(Bytes size) { reserved_ = size; }
    /// For how many blocks of a size there is room.
    [[nodiscard]] std::int64_t slots(Bytes size) const;
    [[nodiscard]] std::size_t devices() const { return left_.size(); }

  private:
    [[nodiscard]] const Amount& need(Unit unit) const {
        return unit == Unit::group ? group_ : slice_;
    }
    /// What blocks of a size may use.
    [[nodiscard]] Amount free(std::size_t d, Bytes size) const {
        Amount amount = left_[d];
        if (size < reserved_ && amount.bytes > 0) {
            amount.bytes %= reserved_;
        }
        return amount;
    }

    const Blocks* blocks_;
    const Ledger* ledger_;
    std::size_t layer_;
    Amount group_;
    Amount slice_;
    std::vector<Amount> left_; ///< per device
    Bytes reserved_ = 0;
};

/// The fastest plan for these hosts within the room (times without the layer's migration).
[[nodiscard]] LayerPlan plan_for_hosts(
    Spreads& spreads, LayerRoom& room, std::size_t holder, std::size_t proj, std::size_t ffn
);

/// Devices to try for the blocks of a layer that are not spread; sliced: ffn lists the hubs.
struct Hosts {
    std::vector<std::size_t> proj;
    std::vector<std::size_t> ffn;
};

/// What the choice of a device as host costs beside the layer's time, for every device: what
/// follows if x stands there at the layer's end, and what moving there is worth.
struct HostCosts {
    std::vector<Nanoseconds> proj; ///< sliced: not asked
    std::vector<Nanoseconds> ffn;
};

/// The plan of least time and costs over these hosts.
[[nodiscard]] LayerPlan best_plan(
    Spreads& spreads,
    LayerRoom& room,
    std::size_t holder,
    const Hosts& hosts,
    const HostCosts& costs
);

/// The devices with room where x from `holder` would be ready soonest, at most `most` of each.
[[nodiscard]] Hosts promising_hosts(
    const Problem& problem,
    const StepDelay& step,
    const LayerRoom& room,
    std::size_t holder,
    std::size_t most
);

} // namespace headroom::scheduler
