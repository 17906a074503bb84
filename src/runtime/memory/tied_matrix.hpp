// The matrix that a tied lm_head shares with embed, on the way from one placement to another: on
// one device the two have it once (embed stores it, lm_head borrows it), on two devices both have
// it. Pure; nothing here applies to a model whose lm_head has a matrix of its own.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "base/ids.hpp"
#include "scheduler/core/blocks.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::runtime {

/// Must a device that holds lm_head under `placement` have the matrix in that block itself?
[[nodiscard]] bool head_has_matrix(
    const scheduler::Blocks& blocks, const scheduler::Placement& placement
);

class TiedMatrix {
  public:
    /// All three outlive this object.
    TiedMatrix(
        const scheduler::Blocks& blocks,
        const scheduler::Placement& from,
        const scheduler::Placement& to
    );

    /// Does the source keep the storage that a leaving block's pieces are read from? A matrix that
    /// embed leaves behind serves lm_head from now on, and one that lm_head borrows stays embed's.
    [[nodiscard]] bool stays_in_use(const scheduler::Move& move) const;
    /// The move that reads the same storage: embed and lm_head leave one device for two others, and
    /// both take the matrix along. An index into `moves`.
    [[nodiscard]] std::optional<std::size_t> partner(
        std::span<const scheduler::Move> moves, std::size_t move
    ) const;
    /// Has this device's lm_head a matrix that the new placement does not need? It is dropped
    /// before anything moves.
    [[nodiscard]] bool drops_own(DeviceId device) const;
    /// Does lm_head stay here while embed leaves? Then it takes over the matrix.
    [[nodiscard]] bool is_inherited(DeviceId device) const;

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
