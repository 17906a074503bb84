// A tied lm_head uses the same matrix as embed. If both blocks are on one device, embed stores the
// matrix, and lm_head uses it there. If they are on two devices, each stores the matrix. TiedMatrix
// tells what happens to the matrix when the placement changes. If lm_head is not tied, all members
// of TiedMatrix return false or nothing.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "base/ids.hpp"
#include "scheduler/core/blocks.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::runtime {

/// Returns whether block lm_head stores a matrix of its own under `placement`.
[[nodiscard]] bool lm_head_stores_matrix(
    const scheduler::Blocks& blocks, const scheduler::Placement& placement
);

class TiedMatrix {
  public:
    /// All three arguments must outlive this object.
    TiedMatrix(
        const scheduler::Blocks& blocks,
        const scheduler::Placement& from,
        const scheduler::Placement& to
    );

    /// Returns whether the move's sender must keep the matrix in memory after the send. This is so
    /// if the move takes away embed or lm_head while the other one stays and uses the matrix.
    [[nodiscard]] bool is_kept_in_use(const scheduler::Move& move) const;
    /// Returns the index in `moves` of the other move that sends the same matrix. There is such a
    /// move if embed and lm_head leave one device for two different devices.
    [[nodiscard]] std::optional<std::size_t> move_sharing_matrix(
        std::span<const scheduler::Move> moves, std::size_t move
    ) const;
    /// Returns whether lm_head is on `device` before the migration and has a matrix of its own
    /// there, but uses the matrix of embed after the migration. If so, the device frees the matrix
    /// of lm_head before any block moves.
    [[nodiscard]] bool drops_lm_head_matrix(DeviceId device) const;
    /// Returns whether embed leaves `device` and lm_head stays there and takes over the matrix.
    [[nodiscard]] bool passes_to_lm_head(DeviceId device) const;

  private:
    [[nodiscard]] bool shared_before() const;
    [[nodiscard]] bool is_end(BlockId b) const;
    [[nodiscard]] BlockId other_end(BlockId b) const;
    [[nodiscard]] DeviceId before(BlockId b) const { return (*from_)[b.index()]; }
    [[nodiscard]] DeviceId after(BlockId b) const { return (*to_)[b.index()]; }

    const scheduler::Blocks* blocks_;
    const scheduler::Placement* from_;
    const scheduler::Placement* to_;
    bool tied_;
};

} // namespace headroom::runtime
