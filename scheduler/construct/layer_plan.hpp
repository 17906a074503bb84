// Plans the placement of one layer within the memory that is left. A plan consists of the hosts and
// of the number of units per device. The hosts are the devices of proj and ffn. With granularity
// `sliced` the host is the device of the hub (the block that adds up partial sums). Units are
// groups (K/V heads) and slices (of the FFN).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "scheduler/construct/chain_planner.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/cost/memory_ledger.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

/// The placement of one layer and its time, which is kNever if nothing fits.
struct LayerPlan {
    Nanoseconds time = kNever;
    LayerCounts counts;
};

/// The memory and compute that each device has left for one layer.
class LayerRoom {
  public:
    /// Starts from what each device has left according to `ledger`. Blocks of this layer that are
    /// already placed there do not count, because the layer is to be planned anew.
    LayerRoom(const Problem& problem, const Ledger& ledger, std::size_t layer);

    [[nodiscard]] std::size_t layer() const { return layer_; }
    /// Subtracts the needs of a block from what a device has left; release() adds them again.
    void charge(BlockId b, std::size_t d) { left_[d].add(ledger_->need(b), -1); }
    void release(BlockId b, std::size_t d) { left_[d].add(ledger_->need(b), 1); }
    [[nodiscard]] bool fits(BlockId b, std::size_t d) const {
        const Amount need = ledger_->need(b);
        return free(d, need.bytes).times(need, 1) == 1;
    }
    /// Returns how many units of this kind d can take beside the blocks that are charged to d.
    [[nodiscard]] std::int32_t max_units(Unit unit, std::size_t d) const {
        return free(d, need(unit).bytes).times(need(unit), count_of(*blocks_, unit));
    }
    /// Returns max_units(unit, d) for every device d.
    [[nodiscard]] std::vector<std::int32_t> max_units(Unit unit) const;
    /// Subtracts the needs of counts[d] units from what each device d has left.
    void charge(Unit unit, const std::vector<std::int32_t>& counts);
    /// Keeps room for as many blocks of `size` bytes as possible: on each device, smaller blocks
    /// may then use only the free bytes modulo `size`.
    void reserve(Bytes size) { reserved_ = size; }
    /// Returns how many blocks of `size` bytes all devices together have room for.
    [[nodiscard]] std::int64_t slots(Bytes size) const;
    [[nodiscard]] std::size_t devices() const { return left_.size(); }

  private:
    [[nodiscard]] const Amount& need(Unit unit) const {
        return unit == Unit::group ? group_ : slice_;
    }
    /// Returns what blocks of `size` bytes may use on d.
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

/// Returns the fastest plan for these hosts that fits in `room`. Migration is not counted. With
/// granularity `sliced` the best spread of the groups and the best spread of the slices may not fit
/// together. The result is then that of a heuristic, and a faster plan may exist.
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

/// For each device, the time that it adds to the next layer and to the migration if it is a host.
struct HostCosts {
    std::vector<Nanoseconds> proj; ///< not used with granularity `sliced`
    std::vector<Nanoseconds> ffn;
};

/// Tries all pairs of a proj and an ffn in `hosts` (`sliced`: all hubs). Returns the plan with the
/// least sum of its time and the costs of its hosts.
[[nodiscard]] LayerPlan best_plan(
    Spreads& spreads,
    LayerRoom& room,
    std::size_t activation_device,
    const Hosts& hosts,
    const HostCosts& costs
);

/// Returns, for proj and for ffn (or the hub), the `most` devices that StepDelay::host_rank() ranks
/// first among those with room for the block.
[[nodiscard]] Hosts promising_hosts(
    const Problem& problem,
    const StepDelay& step,
    const LayerRoom& room,
    std::size_t activation_device,
    std::size_t most
);

} // namespace headroom::scheduler
