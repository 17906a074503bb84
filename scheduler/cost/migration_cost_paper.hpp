// The paper's D_mig of a placement, kept up to date block by block: a plain sum over moved blocks,
// in nanoseconds rounded per block. The counterpart of MoveDelay, with the same questions.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/cost/migration_cost.hpp"

namespace headroom::scheduler {

class PaperMoves {
  public:
    /// Starts at the given placement. Without a previous placement nothing ever moves.
    PaperMoves(const Problem& problem, const Placement& placement);

    void set(BlockId b, DeviceId d);
    [[nodiscard]] Nanoseconds total() const { return total_; }
    [[nodiscard]] std::int32_t moved() const { return moved_; }
    [[nodiscard]] DeviceId home(BlockId b) const {
        return home_.empty() ? DeviceId() : home_[b.index()];
    }
    /// What moving the block from its home to `to` adds to the sum.
    [[nodiscard]] Nanoseconds time(BlockId b, DeviceId to) const;
    /// The link with the largest sum; invalid ids if nothing moves.
    [[nodiscard]] MoveDelay::Link slowest() const;

  private:
    void charge(BlockId b, std::int32_t sign);

    const Blocks* blocks_;
    std::size_t devices_;
    Placement home_;
    Placement now_;
    std::int32_t moved_ = 0;
    Nanoseconds total_ = 0;
    const Snapshot* snapshot_;
    std::vector<Bytes> sizes_;       ///< distinct sizes of blocks; embed and lm_head are left out
    std::vector<std::size_t> size_;  ///< per block, as an index into sizes_
    std::vector<Nanoseconds> times_; ///< [size][from][to]; empty in large fleets
    std::vector<Nanoseconds> loads_; ///< [from][to]
};

/// The delay of moves under the problem's cost profile.
class Moves {
  public:
    Moves(const Problem& problem, const Placement& placement);

    void set(BlockId b, DeviceId d);
    [[nodiscard]] MoveDelay::Known known() const {
        return physical_ ? physical_->known() : MoveDelay::Known{};
    }
    void know(MoveDelay::Known known) {
        if (physical_) {
            physical_->know(known);
        }
    }
    [[nodiscard]] Nanoseconds total() { return paper_ ? paper_->total() : physical_->total(); }
    [[nodiscard]] Nanoseconds sum() const { return paper_ ? paper_->total() : physical_->sum(); }
    /// Blocks that are not where they were.
    [[nodiscard]] std::int32_t moved() const {
        return paper_ ? paper_->moved() : physical_->moved();
    }
    /// Where the block was before; invalid without a previous placement.
    [[nodiscard]] DeviceId home(BlockId b) const {
        return paper_ ? paper_->home(b) : physical_->home(b);
    }
    /// What moving the block from its home to `to` takes by itself.
    [[nodiscard]] Nanoseconds time(BlockId b, DeviceId to) const {
        return paper_ ? paper_->time(b, to) : physical_->time(b, to);
    }
    /// What total() would at most become from `total` if the block moved from `here` to `to`.
    [[nodiscard]] Nanoseconds with(Nanoseconds total, BlockId b, DeviceId here, DeviceId to) const {
        return paper_ ? total - paper_->time(b, here) + paper_->time(b, to)
                      : std::max(total, physical_->beside(b, to));
    }
    /// The link that takes longest.
    [[nodiscard]] MoveDelay::Link slowest() {
        return paper_ ? paper_->slowest() : physical_->slowest();
    }

  private:
    std::optional<MoveDelay> physical_; ///< exactly one of the two
    std::optional<PaperMoves> paper_;
};

} // namespace headroom::scheduler
