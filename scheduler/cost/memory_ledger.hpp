// Accounts of a placement under construction: who holds how much at the horizon T + λ, and under
// cost profile `paper` who computes how much per layer, kept up to date block by block. Policies'
// own bookkeeping; `validate` judges without it.
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

/// Bytes, and FLOP within one layer. Without a compute constraint there is no end of FLOP.
struct Amount {
    Bytes bytes = 0;
    Flops flops = 0;

    void add(const Amount& each, std::int64_t times) {
        bytes += each.bytes * times;
        flops += flops == kUnlimited ? 0 : each.flops * times;
    }
    /// How many times `each` is in it, at most `most`.
    [[nodiscard]] std::int32_t times(const Amount& each, std::int32_t most) const {
        return static_cast<std::int32_t>(
            std::min(quotient(bytes, each.bytes, most), quotient(flops, each.flops, most))
        );
    }

  private:
    /// Mostly there is room for all that is asked: no division then.
    static std::int64_t quotient(std::int64_t all, std::int64_t each, std::int64_t most) {
        return each <= 0 || all == kUnlimited || all >= each * most ? most
               : all < each                                         ? 0
                                                                    : all / each;
    }
};

class Ledger {
  public:
    /// Nothing placed. Keeps a pointer to the problem's blocks.
    explicit Ledger(const Problem& problem);
    Ledger(const Problem& problem, const Placement& placement);

    [[nodiscard]] std::size_t devices() const { return budget_.size(); }
    [[nodiscard]] const Placement& placement() const { return placement_; }
    /// Invalid if the block is not placed.
    [[nodiscard]] DeviceId where(BlockId b) const { return placement_[b.index()]; }

    /// Places the block, or moves it there if it is placed already.
    void place(BlockId b, DeviceId d);
    void lift(BlockId b);

    /// Resident bytes at the horizon, plus buffers if the device holds any block.
    [[nodiscard]] Bytes used(DeviceId d) const {
        return used_[d.index()] + (count_[d.index()] > 0 ? buffers_ : 0);
    }
    [[nodiscard]] Bytes budget(DeviceId d) const { return budget_[d.index()]; }
    /// What the device could still take in blocks; negative if it holds too much.
    [[nodiscard]] Bytes room(DeviceId d) const {
        return budget_[d.index()] - used_[d.index()] - buffers_;
    }
    [[nodiscard]] Bytes lacks(DeviceId d) const {
        const Bytes over = used(d) - budget(d);
        return over > 0 ? over : 0;
    }

    /// Whether there is a compute constraint: C_d·T_budget per layer.
    [[nodiscard]] bool limited() const { return !limit_.empty(); }
    [[nodiscard]] Flops limit(DeviceId d) const {
        return limited() ? limit_[d.index()] : kUnlimited;
    }
    /// FLOP of a layer's blocks on d. Only if limited.
    [[nodiscard]] Flops load(std::int32_t layer, DeviceId d) const {
        return load_[static_cast<std::size_t>(layer) * devices() + d.index()];
    }
    /// What d could still take of a layer; negative parts where it has too much.
    [[nodiscard]] Amount left(std::int32_t layer, DeviceId d) const;
    [[nodiscard]] Amount need(BlockId b) const { return {bytes(b), limited() ? flops(b) : 0}; }

    /// Missing FLOP as bytes, so that both shortages add up: at the rate of a whole layer's bytes
    /// to its FLOP, rounded up.
    [[nodiscard]] Bytes as_bytes(Flops flops) const {
        return flops <= 0
                   ? 0
                   : static_cast<Bytes>(std::ceil(static_cast<double>(flops) * bytes_per_flop_));
    }
    /// What d holds and computes beyond its budgets, in bytes; 0: feasible.
    [[nodiscard]] Bytes over(DeviceId d) const {
        return lacks(d) + (limited() ? overload_[d.index()] : 0);
    }
    /// Σ over devices of over(); 0: feasible as far as placed.
    [[nodiscard]] Bytes shortage() const { return shortage_; }
    /// Bytes of the block alone: a tied lm_head away from embed counts with its matrix.
    [[nodiscard]] Bytes bytes(BlockId b) const { return bytes_[b.index()]; }
    /// What it would add to d: a tied lm_head shares embed's matrix there.
    [[nodiscard]] Bytes bytes_on(BlockId b, DeviceId d) const;
    [[nodiscard]] Flops flops(BlockId b) const { return flops_[b.index()]; }
    /// Whether placing b on d leaves d within its budgets. b itself may be placed or not.
    [[nodiscard]] bool fits(BlockId b, DeviceId d);

  private:
    void charge(BlockId b, DeviceId d, int sign);
    void add(DeviceId d, Bytes bytes, std::int32_t blocks);
    void compute(BlockId b, DeviceId d, int sign);
    [[nodiscard]] bool shares_matrix(BlockId b) const;
    void hold_ends(const Problem& problem);

    const Blocks* blocks_;
    Bytes buffers_;
    std::vector<Bytes> bytes_; ///< per block, apart from embed
    std::vector<Flops> flops_; ///< per block
    std::vector<Bytes> budget_;
    std::vector<Bytes> used_;
    std::vector<std::int32_t> count_;
    std::vector<Flops> limit_;    ///< per device; empty: no compute constraint
    std::vector<Flops> load_;     ///< [layer][device]
    std::vector<Bytes> overload_; ///< per device, over all layers, as bytes
    double bytes_per_flop_ = 1.0; ///< of a whole layer
    Placement placement_;
    Bytes shortage_ = 0;
    bool tied_;
    bool pinned_; ///< embed and lm_head are on the source, placed or not
};

/// Resident bytes of embed and lm_head on one device.
[[nodiscard]] Bytes ends_bytes(const Blocks& blocks);

/// Bytes that any placement needs in all: every block once and the buffers of one device.
[[nodiscard]] Bytes least_need(const Problem& problem);

} // namespace headroom::scheduler
