// Memory accounts of a placement under construction: who holds how much at the horizon T + λ,
// kept up to date block by block. Policies' own bookkeeping; `validate` judges without it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/problem.hpp"

namespace headroom::scheduler {

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
    /// Σ over devices of what they hold beyond their budgets; 0: feasible as far as placed.
    [[nodiscard]] Bytes shortage() const { return shortage_; }
    /// Bytes of the block alone: a tied lm_head away from embed counts with its matrix.
    [[nodiscard]] Bytes bytes(BlockId b) const { return bytes_[b.index()]; }
    /// Whether placing b on d leaves d within its budget. b itself may be placed or not.
    [[nodiscard]] bool fits(BlockId b, DeviceId d);

  private:
    void charge(BlockId b, DeviceId d, int sign);
    void add(DeviceId d, Bytes bytes, std::int32_t blocks);
    [[nodiscard]] bool shares_matrix(BlockId b) const;

    const Blocks* blocks_;
    Bytes buffers_;
    std::vector<Bytes> bytes_; ///< per block, apart from embed
    std::vector<Bytes> budget_;
    std::vector<Bytes> used_;
    std::vector<std::int32_t> count_;
    Placement placement_;
    Bytes shortage_ = 0;
    bool tied_;
};

/// Bytes that any placement needs in all: every block once and the buffers of one device.
[[nodiscard]] Bytes least_need(const Problem& problem);

} // namespace headroom::scheduler
