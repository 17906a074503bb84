// D_mig (the time to migrate) by the published formula, kept up to date while single blocks move:
// the sum of the moved blocks' transfer times, each rounded to a nanosecond. The class Moves offers
// D_mig under either cost profile: by PaperMoves, or by MoveDelay of migration_cost.hpp.
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

/// D_mig under cost profile `paper`. The functions have the meaning of those of MoveDelay.
class PaperMoves {
  public:
    PaperMoves(const Problem& problem, const Placement& placement);

    void set(BlockId b, DeviceId d);
    [[nodiscard]] Nanoseconds total() const { return total_; }
    [[nodiscard]] std::int32_t moved() const { return moved_; }
    [[nodiscard]] DeviceId previous_device(BlockId b) const {
        return previous_.empty() ? DeviceId() : previous_[b.index()];
    }
    /// Returns the time that a move of the block from its previous device to `to` adds to D_mig.
    [[nodiscard]] Nanoseconds time(BlockId b, DeviceId to) const;
    /// Returns the link with the largest sum of transfer times; invalid ids if nothing moves.
    [[nodiscard]] MoveDelay::Link slowest() const;

  private:
    void charge(BlockId b, std::int32_t sign);

    std::size_t devices_;
    Placement previous_;
    Placement current_;
    std::int32_t moved_ = 0;
    Nanoseconds total_ = 0;
    const Snapshot* snapshot_;
    std::vector<Bytes> sizes_;       ///< the distinct sizes of what moving blocks send, in bytes
    std::vector<std::size_t> size_;  ///< [block]: index into sizes_
    std::vector<Nanoseconds> times_; ///< [size][from][to]; empty in large fleets
    std::vector<Nanoseconds> loads_; ///< [from][to]: sum of the transfer times on the link
};

/// D_mig under the problem's cost profile. Its functions are those of MoveDelay.
class Moves {
  public:
    Moves(const Problem& problem, const Placement& placement);

    void set(BlockId b, DeviceId d);
    [[nodiscard]] MoveDelay::SlowestLane slowest_lane() const {
        return physical_ ? physical_->slowest_lane() : MoveDelay::SlowestLane{};
    }
    void restore_slowest_lane(MoveDelay::SlowestLane saved) {
        if (physical_) {
            physical_->restore_slowest_lane(saved);
        }
    }
    [[nodiscard]] Nanoseconds total() { return paper_ ? paper_->total() : physical_->total(); }
    [[nodiscard]] Nanoseconds sum() const { return paper_ ? paper_->total() : physical_->sum(); }
    [[nodiscard]] std::int32_t moved() const {
        return paper_ ? paper_->moved() : physical_->moved();
    }
    [[nodiscard]] DeviceId previous_device(BlockId b) const {
        return paper_ ? paper_->previous_device(b) : physical_->previous_device(b);
    }
    [[nodiscard]] Nanoseconds time(BlockId b, DeviceId to) const {
        return paper_ ? paper_->time(b, to) : physical_->time(b, to);
    }
    /// Returns an upper bound of what total() would be if the block moved from device `from` to
    /// device `to`. `total` is the present result of total().
    [[nodiscard]] Nanoseconds total_bound_with(
        Nanoseconds total, BlockId b, DeviceId from, DeviceId to
    ) const {
        return paper_ ? total - paper_->time(b, from) + paper_->time(b, to)
                      : std::max(total, physical_->completion_with(b, to));
    }
    [[nodiscard]] MoveDelay::Link slowest() {
        return paper_ ? paper_->slowest() : physical_->slowest();
    }

  private:
    std::optional<MoveDelay> physical_; ///< exactly one of the two has a value
    std::optional<PaperMoves> paper_;
};

} // namespace headroom::scheduler
