// The class Ledger records what each device uses and has left while a placement is built block by
// block: memory at context T + λ, that of the next decision, and, under cost profile `paper`, FLOP
// per layer. validate() checks decisions without the ledger, so that mistakes here are found.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Bytes of memory, and FLOP within one layer. `flops` is kUnlimited without a compute constraint.
struct Amount {
    Bytes bytes = 0;
    Flops flops = 0;

    void add(const Amount& each, std::int64_t times) {
        bytes += each.bytes * times;
        flops += flops == kUnlimited ? 0 : each.flops * times;
    }
    /// Returns how many times `each` fits into this amount, at most `limit`.
    [[nodiscard]] std::int32_t times(const Amount& each, std::int32_t limit) const {
        return static_cast<std::int32_t>(
            std::min(quotient(bytes, each.bytes, limit), quotient(flops, each.flops, limit))
        );
    }

  private:
    /// Returns all / each, at most `limit`. The usual result `limit` needs no division.
    static std::int64_t quotient(std::int64_t all, std::int64_t each, std::int64_t limit) {
        return each <= 0 || all == kUnlimited || all >= each * limit ? limit
               : all < each                                          ? 0
                                                                     : all / each;
    }
};

class Ledger {
  public:
    /// Starts with no block placed. Keeps a pointer to the problem's blocks.
    explicit Ledger(const Problem& problem);
    Ledger(const Problem& problem, const Placement& placement);

    [[nodiscard]] std::size_t devices() const { return budget_.size(); }
    [[nodiscard]] const Placement& placement() const { return placement_; }
    /// Returns the block's device; invalid if the block is not placed.
    [[nodiscard]] DeviceId where(BlockId b) const { return placement_[b.index()]; }

    /// Places the block on d, and removes it from its device first if it is placed.
    void place(BlockId b, DeviceId d);
    void remove(BlockId b) { set_device(b, DeviceId()); }

    /// Returns the resident bytes at that context, plus the buffers if the device holds any block.
    [[nodiscard]] Bytes used(DeviceId d) const {
        return used_[d.index()] + (count_[d.index()] > 0 ? buffers_ : 0);
    }
    [[nodiscard]] Bytes budget(DeviceId d) const { return budget_[d.index()]; }
    /// Returns the bytes of further blocks that the device can take; negative if it holds too much.
    [[nodiscard]] Bytes room(DeviceId d) const {
        return budget_[d.index()] - used_[d.index()] - buffers_;
    }
    [[nodiscard]] Bytes memory_shortage(DeviceId d) const {
        const Bytes over = used(d) - budget(d);
        return over > 0 ? over : 0;
    }

    /// Returns whether compute is limited to C_d·T_budget per layer and device.
    [[nodiscard]] bool has_compute_limit() const { return !limit_.empty(); }
    [[nodiscard]] Flops limit(DeviceId d) const {
        return has_compute_limit() ? limit_[d.index()] : kUnlimited;
    }
    /// Returns the FLOP of the layer's blocks on d. Precondition: has_compute_limit().
    [[nodiscard]] Flops load(std::int32_t layer, DeviceId d) const {
        return load_[static_cast<std::size_t>(layer) * devices() + d.index()];
    }
    /// Returns what d can still take of a layer; bytes or FLOP are negative if d has too much.
    [[nodiscard]] Amount left(std::int32_t layer, DeviceId d) const;
    [[nodiscard]] Amount need(BlockId b) const {
        return {bytes(b), has_compute_limit() ? flops(b) : 0};
    }

    /// Converts missing FLOP to bytes, rounded up, so that both shortages can be added. The factor
    /// is the ratio of a whole layer's bytes to its FLOP.
    [[nodiscard]] Bytes as_bytes(Flops flops) const {
        return flops <= 0
                   ? 0
                   : static_cast<Bytes>(std::ceil(static_cast<double>(flops) * bytes_per_flop_));
    }
    /// Returns what d lacks of memory and compute, in bytes; 0 if d is within its budgets.
    [[nodiscard]] Bytes shortage(DeviceId d) const {
        return memory_shortage(d) + (has_compute_limit() ? overload_[d.index()] : 0);
    }
    /// Returns the sum of shortage(d) over all devices.
    [[nodiscard]] Bytes shortage() const { return shortage_; }
    /// Returns the block's bytes on a device of its own: a tied lm_head counts with its matrix.
    [[nodiscard]] Bytes bytes(BlockId b) const { return bytes_[b.index()]; }
    /// Returns the bytes that the block would add to d, where a tied lm_head shares embed's matrix.
    [[nodiscard]] Bytes bytes_on(BlockId b, DeviceId d) const;
    [[nodiscard]] Flops flops(BlockId b) const { return flops_[b.index()]; }
    /// Returns whether d would be within its budgets with b. b itself may be placed or not.
    [[nodiscard]] bool fits(BlockId b, DeviceId d);

  private:
    void charge(BlockId b, DeviceId d, int sign);
    void add(DeviceId d, Bytes bytes, std::int32_t blocks);
    void compute(BlockId b, DeviceId d, int sign);
    void set_device(BlockId b, DeviceId d);
    void reserve_ends(const Problem& problem);

    const Blocks* blocks_;
    Bytes buffers_;
    std::vector<Bytes> bytes_; ///< per block, without sharing of embed's matrix
    std::vector<Flops> flops_; ///< per block
    std::vector<Bytes> budget_;
    std::vector<Bytes> used_;
    std::vector<std::int32_t> count_;
    std::vector<Flops> limit_;    ///< per device; empty without a compute constraint
    std::vector<Flops> load_;     ///< [layer][device]
    std::vector<Bytes> overload_; ///< per device: FLOP beyond the limit, as bytes, over all layers
    double bytes_per_flop_ = 1.0; ///< ratio for a whole layer
    Placement placement_;
    Bytes shortage_ = 0;
    bool tied_;
    bool pinned_; ///< embed and lm_head count on the source even before they are placed
};

/// Resident bytes of embed and lm_head on one device.
[[nodiscard]] Bytes ends_bytes(const Blocks& blocks);

/// Returns the bytes that every placement needs: each block once, and the buffers of one device.
[[nodiscard]] Bytes min_total_bytes(const Problem& problem);

} // namespace headroom::scheduler
