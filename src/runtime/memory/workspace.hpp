// A device's buffers, out of its memory budget, and the sends that still read them. What a turn
// needs from one segment of its program to the next is there once per slot; the rest belongs to
// whichever turn is at work. Their sum is scheduler::buffer_bytes, to the byte.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <memory_resource>
#include <span>
#include <vector>

#include "base/units.hpp"
#include "comm/transport.hpp"
#include "runtime/messages/wire.hpp"
#include "scheduler/core/blocks.hpp"
#include "scheduler/core/cut.hpp"
#include "scheduler/core/shape.hpp"

namespace headroom::runtime {

/// n = most tokens of a turn, j = most turns that share a pass, r = the larger of both.
/// Once per slot, so that the next slot's begins where one ends: x, normed, residual, heads: n·D;
/// angles: n·d. For the turns at work: scratch: r·D; gate, up: r·F; projected: r·(q+2)·d; scores:
/// the context; logits: j·V; staging: see scheduler::staging_bytes. Sliced: heads, gate, up only
/// for one block and the turns at work, as wide as it stores; once per slot instead scratch, a
/// block's partial sum, and sums, the device's; received is another device's: n·D numbers of 8
/// bytes each, like sums; norms (a ring's): (layers, 2, D), before attention and before the ffn.
enum class Buffer : std::uint8_t {
    x,
    normed,
    heads,
    residual,
    scratch,
    gate,
    up,
    angles,
    projected,
    scores,
    logits,
    sums,
    received,
    norms,
    staging,
};
inline constexpr std::size_t kBuffers = 15;

/// A send on its way with the header that it reads.
struct HeldSend {
    std::unique_ptr<WireHeader> header;
    comm::PendingSend send;
};

class Workspace {
  public:
    Workspace(
        const scheduler::ModelShape& shape,
        const scheduler::Cut& cut,
        const scheduler::TurnSizes& sizes,
        std::pmr::memory_resource* resource
    );
    Workspace(const Workspace&) = delete;
    Workspace& operator=(const Workspace&) = delete;
    ~Workspace();

    /// From now on `data`, `overwrite` and `keep` mean this slot's buffers.
    void select(std::int32_t slot);

    /// From a slot's to the next slot's, in floats. Precondition: there is one per slot.
    [[nodiscard]] std::int64_t slot_stride(Buffer buffer) const;
    /// For reading, or for writing a part that no pending send covers.
    [[nodiscard]] float* data(Buffer buffer) const;
    /// Buffer::sums or received, in fixed point.
    [[nodiscard]] std::int64_t* fixed_point(Buffer buffer) const;
    /// For overwriting: waits until no send reads the buffer any more.
    float* overwrite(Buffer buffer, comm::Transport& transport, const comm::Waiting& waiting);
    void keep(Buffer buffer, HeldSend send);
    /// Waits for all sends of all slots.
    void settle(comm::Transport& transport, const comm::Waiting& waiting);

    /// The staging buffer is given back while blocks migrate, so that one more piece fits.
    void release_staging();
    void restore_staging();

  private:
    [[nodiscard]] static std::size_t at(Buffer buffer) { return static_cast<std::size_t>(buffer); }
    [[nodiscard]] std::vector<HeldSend>& pending(Buffer buffer);
    [[nodiscard]] bool per_slot(Buffer buffer) const;
    [[nodiscard]] Bytes all_bytes(Buffer buffer) const;
    [[nodiscard]] std::byte* place(Buffer buffer) const;
    void size_paper(const scheduler::ModelShape& shape, std::int64_t n, std::int64_t rows);
    void size_sliced(
        const scheduler::ModelShape& shape,
        const scheduler::Cut& cut,
        std::int64_t n,
        std::int64_t rows
    );
    void allocate(Buffer buffer);
    void release(Buffer buffer);

    std::pmr::memory_resource* resource_;
    std::size_t slots_;
    std::size_t slot_ = 0; ///< selected
    bool sliced_;
    std::array<Bytes, kBuffers> bytes_{}; ///< of one slot
    std::array<std::byte*, kBuffers> data_{};
    std::vector<std::array<std::vector<HeldSend>, kBuffers>> pending_; ///< per slot
};

} // namespace headroom::runtime
