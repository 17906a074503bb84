// The times, bytes and rates from which root_bound.hpp computes its lower bound, for fleets of up
// to two thousand devices. All of them are at most the true ones: times of messages are not rounded
// up, waiting for caps, for other messages' overheads and for other links on a medium is left out,
// and what never ends counts as kStall. Times of a step are
// multiplied by the number of steps, as in the objective, and all times are in nanoseconds.
//
// Words: a *pool* is all groups, or all slices, of one layer. A *host* is a block of which a layer
// has one: its proj, and its ffn or hub. A layer begins on the device of the *holder* (the ffn or
// hub before, which has x) and gathers the outputs of its pool at the *target* (proj or hub).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/units.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/cost/step_cost.hpp"
#include "scheduler/exact/tables.hpp"

namespace headroom::scheduler::bounds {

using exact::BlockSize;
using exact::kInfinite;
using exact::kNowhere;

/// A block with its previous device, or kNowhere if there is none.
struct HostBlock {
    BlockSize size;
    std::size_t origin = kNowhere;
};

/// Equal units of a pool with the same previous device.
struct Units {
    std::size_t origin = kNowhere;
    std::int32_t count = 0;
    bool operator==(const Units&) const = default;
};

/// The units of a pool. Where they differ, `size` has the least of each number of bytes.
struct PoolUnits {
    BlockSize size;
    std::int32_t count = 0;
    std::vector<Units> by_origin;
    bool slices = false;
    std::size_t times = 0;  ///< index of the layer's LayerTimes
    Bytes holder_bytes = 0; ///< bytes that the holder's own block of the layer before takes
    bool operator==(const PoolUnits&) const = default;
};

/// The compute times of a layer on each device. Those of single units are without the operation
/// overhead.
struct LayerTimes {
    std::vector<double> group;
    std::vector<double> slice;
    std::vector<double> proj; ///< 0 in granularity `sliced`
    std::vector<double> ffn;  ///< in granularity `sliced` the overheads of the hub
};

class RelaxedCosts {
  public:
    explicit RelaxedCosts(const Problem& problem);

    [[nodiscard]] const Problem& problem() const { return *problem_; }
    [[nodiscard]] std::size_t devices() const { return devices_; }
    [[nodiscard]] std::size_t layers() const { return hosts_.size(); }
    [[nodiscard]] bool sliced() const { return sliced_; }
    [[nodiscard]] bool moves() const { return problem_->previous.has_value(); }
    /// Returns whether times are those of the published formulas (cost profile `paper`).
    [[nodiscard]] bool by_formula() const { return by_formula_; }
    [[nodiscard]] bool gathers_max() const { return gathers_max_; }

    /// Returns the bytes for blocks, without buffers and without what is pinned there; negative:
    /// the device can hold nothing.
    [[nodiscard]] Bytes capacity(std::size_t d) const { return capacity_[d]; }
    /// Returns how many groups the device can compute within T_budget besides `flops`.
    [[nodiscard]] std::int64_t groups_within_budget(std::size_t d, Flops flops) const;
    [[nodiscard]] Flops proj_flops() const { return proj_flops_; }
    [[nodiscard]] Flops ffn_flops() const { return ffn_flops_; }

    [[nodiscard]] const std::vector<PoolUnits>& pools() const { return pools_; }
    /// Returns the index in pools() of the layer's groups (or slices). Layers with equal pools
    /// share one.
    [[nodiscard]] std::size_t pool(std::size_t layer, bool slices) const {
        return (slices ? slice_pool_ : group_pool_)[layer];
    }
    [[nodiscard]] const std::vector<LayerTimes>& times() const { return times_; }
    [[nodiscard]] std::size_t times_of(std::size_t layer) const { return times_of_[layer]; }
    /// Returns the layer's ffn or hub.
    [[nodiscard]] const HostBlock& host(std::size_t layer) const { return hosts_[layer]; }
    /// Returns the layer's proj; a block without bytes in granularity `sliced`.
    [[nodiscard]] const HostBlock& proj(std::size_t layer) const { return projs_[layer]; }
    /// Returns the bytes of the smallest ffn or hub.
    [[nodiscard]] Bytes smallest_host() const { return smallest(hosts_); }
    [[nodiscard]] Bytes smallest_proj() const { return smallest(projs_); }
    /// Returns embed (first) or lm_head, or null if it is pinned or not counted.
    [[nodiscard]] const HostBlock* end(bool first) const {
        return free_ends_ ? &(first ? embed_ : lm_head_) : nullptr;
    }

    /// Returns the time that precedes the first unit of a stage on device d.
    [[nodiscard]] double operation_overhead(std::size_t d) const { return operation_overhead_[d]; }
    /// Returns the time that device d spends on each message that it sends or receives.
    [[nodiscard]] double message_overhead(std::size_t d) const { return message_overhead_[d]; }

    /// Returns when x, sent at time 0, has been received. 0 on the same device.
    [[nodiscard]] double x_time(std::size_t from, std::size_t to) const {
        return x_time_[from * devices_ + to];
    }
    /// Returns how long x occupies the link, without overheads.
    [[nodiscard]] double x_busy(std::size_t from, std::size_t to) const {
        return sent(x_bytes_, from, to);
    }
    [[nodiscard]] double latency(std::size_t from, std::size_t to) const {
        return latency_[to * devices_ + from];
    }
    /// Returns how long the output of one unit occupies the link.
    [[nodiscard]] double output(std::size_t from, std::size_t to) const {
        return sent(output_bytes_, from, to);
    }
    /// Returns how long proj's output takes to the device of ffn.
    [[nodiscard]] double to_ffn(std::size_t from, std::size_t to) const {
        return by_formula_ ? sent(x_bytes_, from, to) : x_time(from, to);
    }
    /// Returns the time before the first layer if embed (or the source) is on device d.
    [[nodiscard]] double start(std::size_t d) const;
    /// Returns the time after the last layer.
    [[nodiscard]] double finish(std::size_t holder, std::size_t lm_head) const;

    /// Returns how long a message of a migration occupies the link. Not multiplied by the steps.
    [[nodiscard]] double move_time(Bytes bytes, std::size_t from, std::size_t to) const {
        return capped(static_cast<double>(bytes) * ns_per_byte_[to * devices_ + from]);
    }
    /// Returns how long the device reads the bytes from its storage.
    [[nodiscard]] double load_time(Bytes bytes, std::size_t d) const {
        return capped(static_cast<double>(bytes) * storage_ns_per_byte_[d]);
    }
    [[nodiscard]] static double capped(double t) {
        return t < static_cast<double>(kStall) ? t : static_cast<double>(kStall);
    }

  private:
    [[nodiscard]] static Bytes smallest(const std::vector<HostBlock>& blocks) {
        const auto weight = [](const HostBlock& b) { return b.size.weight; };
        return weight(std::ranges::min(blocks, {}, weight));
    }
    void tabulate_links();
    void tabulate_layers();
    void tabulate_times();
    void tabulate_formula();
    void tabulate_ends();
    void find_capacities();
    void tabulate_overheads();
    [[nodiscard]] double ns_per_byte_on_media(std::size_t from, std::size_t to) const;
    [[nodiscard]] HostBlock host_block(BlockId b) const;
    [[nodiscard]] std::size_t add_pool(std::size_t layer, bool slices);
    [[nodiscard]] double weighed(Nanoseconds t) const {
        return steps_ * static_cast<double>(std::min(t, kStall));
    }
    [[nodiscard]] double sent(Bytes bytes, std::size_t from, std::size_t to) const {
        return steps_ * move_time(bytes, from, to);
    }

    const Problem* problem_;
    StepDelay step_;
    std::size_t devices_;
    double steps_;
    bool sliced_;
    bool by_formula_;
    bool gathers_max_;
    bool free_ends_ = false;
    Bytes x_bytes_ = 0;
    Bytes output_bytes_ = 0;
    Flops group_flops_ = 0;
    Flops proj_flops_ = 0;
    Flops ffn_flops_ = 0;
    std::vector<Bytes> capacity_;
    std::vector<PoolUnits> pools_;
    std::vector<std::size_t> group_pool_;
    std::vector<std::size_t> slice_pool_;
    std::vector<LayerTimes> times_;
    std::vector<std::size_t> times_of_;
    std::vector<HostBlock> hosts_;
    std::vector<HostBlock> projs_;
    HostBlock embed_;
    HostBlock lm_head_;
    std::vector<double> operation_overhead_; ///< [device]
    std::vector<double> message_overhead_;   ///< [device]
    std::vector<double> x_time_;             ///< [from][to]
    /// [to][from]: of the link or, if that is more, of a medium that no other link uses
    std::vector<double> ns_per_byte_;
    std::vector<double> latency_; ///< [to][from]
    std::vector<double> storage_ns_per_byte_;
};

} // namespace headroom::scheduler::bounds
