// The class Ledger records what each device uses and has left while a placement is built block by
// block: bytes of memory, and under cost profile `paper` FLOP per layer. Caches count at context
// T + λ: T tokens now and λ until the next decision. validate() checks decisions without this
// class, so that mistakes here are found.
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

/// Bytes of memory, and FLOP in one layer. `flops` is kUnlimited if compute is not limited.
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
    /// Returns all / each, at most `limit`. To save time, it divides only if the result is neither
    /// `limit` nor 0.
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

    /// Places the block on d. If the block is on another device, it is removed there.
    void place(BlockId b, DeviceId d);
    void remove(BlockId b) { set_device(b, DeviceId()); }

    /// Returns the bytes of the device's blocks, plus the buffers if it has any block.
    [[nodiscard]] Bytes used(DeviceId d) const {
        return used_[d.index()] + (count_[d.index()] > 0 ? buffers_ : 0);
    }
    [[nodiscard]] Bytes budget(DeviceId d) const { return budget_[d.index()]; }
    /// Returns how many bytes of further blocks fit on the device; negative if it holds too much.
    [[nodiscard]] Bytes room(DeviceId d) const {
        return budget_[d.index()] - used_[d.index()] - buffers_;
    }
    [[nodiscard]] Bytes memory_shortage(DeviceId d) const {
        const Bytes over = used(d) - budget(d);
        return over > 0 ? over : 0;
    }

    /// Returns whether compute per layer is limited (see compute_limit() in block_cost.hpp).
    [[nodiscard]] bool has_compute_limit() const { return !limit_.empty(); }
    [[nodiscard]] Flops limit(DeviceId d) const {
        return has_compute_limit() ? limit_[d.index()] : kUnlimited;
    }
    /// Returns the FLOP of the layer's blocks on d. Precondition: has_compute_limit().
    [[nodiscard]] Flops load(std::int32_t layer, DeviceId d) const {
        return load_[static_cast<std::size_t>(layer) * devices() + d.index()];
    }
    /// Returns room(d) and the FLOP that d can still do in the layer. Each number is negative if d
    /// is beyond that limit.
    [[nodiscard]] Amount left(std::int32_t layer, DeviceId d) const;
    [[nodiscard]] Amount need(BlockId b) const {
        return {bytes(b), has_compute_limit() ? flops(b) : 0};
    }

    /// Converts missing FLOP to bytes, so that shortages of compute and memory can be added. The
    /// factor is the bytes of a layer / its FLOP; the result is rounded up.
    [[nodiscard]] Bytes as_bytes(Flops flops) const {
        return flops <= 0
                   ? 0
                   : static_cast<Bytes>(std::ceil(static_cast<double>(flops) * bytes_per_flop_));
    }
    /// Returns the bytes that d lacks, plus as_bytes() of the FLOP that d lacks in each layer.
    [[nodiscard]] Bytes shortage(DeviceId d) const {
        return memory_shortage(d) + (has_compute_limit() ? overload_[d.index()] : 0);
    }
    /// Returns the sum of shortage(d) over all devices.
    [[nodiscard]] Bytes shortage() const { return shortage_; }
    /// Returns the block's bytes; a tied lm_head counts as if it did not share embed's matrix.
    [[nodiscard]] Bytes bytes(BlockId b) const { return bytes_[b.index()]; }
    /// Returns the bytes of the block on d. A tied lm_head needs no matrix on d if embed is on d,
    /// too.
    [[nodiscard]] Bytes bytes_on(BlockId b, DeviceId d) const;
    [[nodiscard]] Flops flops(BlockId b) const { return flops_[b.index()]; }
    /// Returns whether d would lack nothing with block b added. b may be placed or not.
    [[nodiscard]] bool fits(BlockId b, DeviceId d);

  private:
    void charge(BlockId b, DeviceId d, int sign);
    void add(DeviceId d, Bytes bytes, std::int32_t blocks);
    void compute(BlockId b, DeviceId d, int sign);
    void set_device(BlockId b, DeviceId d);
    void reserve_ends(const Problem& problem);

    const Blocks* blocks_;
    Bytes buffers_;
    std::vector<Bytes> bytes_; ///< [block]: bytes()
    std::vector<Flops> flops_; ///< [block]
    std::vector<Bytes> budget_;
    std::vector<Bytes> used_;
    std::vector<std::int32_t> count_; ///< [device]: the number of its blocks
    std::vector<Flops> limit_;        ///< [device]; empty if compute is not limited
    std::vector<Flops> load_;         ///< [layer][device]
    std::vector<Bytes> overload_; ///< [device]: sum over layers of as_bytes(FLOP beyond the limit)
    double bytes_per_flop_ = 1.0; ///< the factor of as_bytes()
    Placement placement_;
    Bytes shortage_ = 0;
    bool tied_;
    /// Whether embed and lm_head must be on the source. If so, their bytes count there from the
    /// start, even before they are placed.
    bool pinned_;
};

/// Returns the bytes that embed and lm_head need together on one device. A matrix that they share
/// counts once.
[[nodiscard]] Bytes ends_bytes(const Blocks& blocks);

/// Returns the fewest bytes that a placement can need: all blocks and buffers on one device.
[[nodiscard]] Bytes min_total_bytes(const Problem& problem);

} // namespace headroom::scheduler
