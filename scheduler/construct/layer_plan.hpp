// Plans the placement of one layer within the memory that is left: the hosts, which are the devices
// of proj and ffn (or of the hub), and the number of units (groups or slices) per device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "scheduler/construct/chain_planner.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/cost/memory_ledger.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

/// The counts of one layer and its time in ns; the time is kNever if nothing fits.
struct LayerPlan {
    Nanoseconds time = kNever;
    LayerCounts counts;
};

/// The memory and compute that each device has left for one layer.
class LayerRoom {
  public:
    /// Starts from what devices have left by the ledger, with the layer's own blocks removed.
    LayerRoom(const Problem& problem, const Ledger& ledger, std::size_t layer);

    [[nodiscard]] std::size_t layer() const { return layer_; }
    /// Subtract the needs of a block from what a device has left, or add them back.
    void charge(BlockId b, std::size_t d) { left_[d].add(ledger_->need(b), -1); }
    void release(BlockId b, std::size_t d) { left_[d].add(ledger_->need(b), 1); }
    [[nodiscard]] bool fits(BlockId b, std::size_t d) const {
        const Amount need = ledger_->need(b);
        return free(d, need.bytes).times(need, 1) == 1;
    }
    /// Returns how many units of this kind d can take beside the blocks that are charged to it.
    [[nodiscard]] std::int32_t max_units(Unit unit, std::size_t d) const {
        return free(d, need(unit).bytes).times(need(unit), count_of(*blocks_, unit));
    }
    /// Returns max_units(unit, d) for every device d.
    [[nodiscard]] std::vector<std::int32_t> max_units(Unit unit) const;
    /// Subtracts the counted units from what each device has left.
    void charge(Unit unit, const std::vector<std::int32_t>& counts);
    /// Reserves room for blocks of `size` bytes: on each device, smaller blocks may then use only
    /// the remainder of its free bytes divided by `size`.
    void reserve(Bytes size) { reserved_ = size; }
    /// Returns the number of blocks of `size` for which there is room on all devices together.
    [[nodiscard]] std::int64_t slots(Bytes size) const;
    [[nodiscard]] std::size_t devices() const { return left_.size(); }

  private:
    [[nodiscard]] const Amount& need(Unit unit) const {
        return unit == Unit::group ? group_ : slice_;
    }
    /// Returns what blocks of `size` may use on d.
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

/// Returns the fastest plan for these hosts that fits in `room`. Migration is not counted.
[[nodiscard]] LayerPlan plan_for_hosts(
    Spreads& spreads,
    LayerRoom& room,
    std::size_t activation_device,
    std::size_t proj,
    std::size_t ffn
);

/// The devices to try as hosts. With granularity `sliced`, `ffn` lists devices for the hub.
struct Hosts {
    std::vector<std::size_t> proj;
    std::vector<std::size_t> ffn;
};

/// The time that each device, as host, adds to the next layer and to the migration.
struct HostCosts {
    std::vector<Nanoseconds> proj; ///< not used with granularity `sliced`
    std::vector<Nanoseconds> ffn;
};

/// Returns the plan, over these hosts, with the least sum of its time and the costs of its hosts.
[[nodiscard]] LayerPlan best_plan(
    Spreads& spreads,
    LayerRoom& room,
    std::size_t activation_device,
    const Hosts& hosts,
    const HostCosts& costs
);

/// Returns, for proj and for ffn (or the hub), up to `most` devices with room: those that
/// StepDelay::host_rank ranks first.
[[nodiscard]] Hosts promising_hosts(
    const Problem& problem,
    const StepDelay& step,
    const LayerRoom& room,
    std::size_t activation_device,
    std::size_t most
);

} // namespace headroom::scheduler
