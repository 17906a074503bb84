// The buffers of one device, allocated from its memory budget, and the pending sends that still
// read these buffers. A turn (forward pass of one sequence) may wait for messages while turns of
// other sequences go on. So buffers whose contents must outlast such a wait exist once per slot
// (place of a sequence). All others exist once, for the turn that is being computed. The sizes of
// all buffers add up to exactly scheduler::buffer_bytes().
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <memory_resource>
#include <span>
#include <vector>

#include "base/model_shape.hpp"
#include "base/units.hpp"
#include "comm/transport.hpp"
#include "runtime/messages/wire.hpp"
#include "scheduler/core/blocks.hpp"
#include "scheduler/core/cut.hpp"

namespace headroom::runtime {

/// Each comment gives a buffer's size in elements: 64-bit integers in `sums` and `received`, floats
/// in all others. n: largest number of tokens of a turn. j: largest number of decode turns (one
/// token each) that share one read of the weights. r: the larger of n and j. D, F, d: width of the
/// model, its ffn, a head. V: size of the vocabulary. q: query heads per group. The buffers that
/// exist "per slot" have this size for each slot, and those of consecutive slots are adjacent.
/// "sliced": with granularity `sliced`; "ring": with a ring all-reduce of partial sums; "parts": if
/// groups are computed in two parts (BlockPart). H, g: number of query heads, of groups.
enum class Buffer : std::uint8_t {
    x,      ///< residual stream; per slot, n·D
    normed, ///< x after a norm; per slot, n·D
    /// Outputs of all attention heads; per slot, n·D. "sliced": the outputs of one group at a time,
    /// in one buffer for all slots; r rows, each with the columns of one group.
    heads,
    residual, ///< x after attention; per slot, n·D
    /// Temporary values in one buffer for all slots, r·D. "sliced": the partial sum of one block;
    /// per slot, n·D.
    scratch,
    gate,   ///< ffn gate, r·F; sliced: r rows of a slice's columns
    up,     ///< ffn up projection, r·F; sliced: r rows of a slice's columns
    angles, ///< RoPE angles; per slot, n·d, or 2·n·d if only some layers have a window
    /// q, k and v of one group, r·(q+2)·d. "parts": those of all groups of a layer, group after
    /// group; per slot, n·(H+2·g)·d.
    projected,
    scores,   ///< attention scores, one per token of the model's maximal context
    logits,   ///< logits, j·V
    sums,     ///< sliced: the device's partial sums in fixed point; per slot, n·D
    received, ///< sliced: a partial sum from another device, n·D
    /// Keys and values of a turn's tokens in a layer with a window, in the type of the caches:
    /// scheduler::chunk_rows_bytes() bytes.
    chunk_rows,
    norms,   ///< ring: weights of the norms before attention and ffn, (layers, 2, D)
    squares, ///< parts: sums of squares of all groups of a layer, 2 doubles each; per slot, n·g
    factors, ///< parts: the factors by which queries and keys are normalised, r·2
    staging, ///< staging buffer of migrations, scheduler::staging_bytes() bytes
};
inline constexpr std::size_t kBuffers = 18;

[[nodiscard]] inline std::span<std::byte> float_bytes(float* first, std::int64_t count) {
    return std::as_writable_bytes(std::span(first, static_cast<std::size_t>(count)));
}

/// A pending send and the header that it sends, which must live until the send is complete.
struct SendWithHeader {
    std::unique_ptr<WireHeader> header;
    comm::PendingSend send;
};

class Workspace {
  public:
    Workspace(
        const ModelShape& shape,
        const scheduler::Cut& cut,
        const scheduler::TurnSizes& sizes,
        std::pmr::memory_resource* resource
    );
    Workspace(const Workspace&) = delete;
    Workspace& operator=(const Workspace&) = delete;
    ~Workspace();

    /// Selects a slot. Of the buffers that exist per slot, the functions below use this slot's.
    void select(std::int32_t slot);

    /// Returns the distance, in floats, from the buffer of one slot to that of the next slot.
    /// Precondition: the buffer exists per slot.
    [[nodiscard]] std::int64_t slot_stride(Buffer buffer) const;
    /// Returns the buffer for reading, or for writing a part that no pending send reads.
    [[nodiscard]] float* data(Buffer buffer) const;
    /// Returns the same memory as bytes; null if the buffer has none.
    [[nodiscard]] std::byte* bytes(Buffer buffer) const { return address_of(buffer); }
    /// Returns the fixed-point numbers of Buffer::sums or Buffer::received.
    [[nodiscard]] std::int64_t* fixed_point(Buffer buffer) const;
    /// Waits until no send reads the buffer, then returns it for writing.
    float* wait_until_free(
        Buffer buffer, comm::Transport& transport, const comm::WaitReason& reason
    );
    /// Keeps a send that reads the buffer. wait_until_free() and wait_for_sends() wait for it.
    void hold_send(Buffer buffer, SendWithHeader send);
    void wait_for_sends(comm::Transport& transport, const comm::WaitReason& reason);

    /// Frees the memory of the staging buffer at the start of a migration. The budget then has room
    /// for a piece (rows of a matrix, or a cache page) that arrives before this device has freed
    /// one of its own.
    void release_staging();
    void restore_staging();

  private:
    static constexpr std::size_t kAlignment = 64;
    [[nodiscard]] static std::size_t at(Buffer buffer) { return static_cast<std::size_t>(buffer); }
    [[nodiscard]] std::vector<SendWithHeader>& pending_sends(Buffer buffer);
    [[nodiscard]] bool is_per_slot(Buffer buffer) const;
    [[nodiscard]] Bytes total_bytes(Buffer buffer) const;
    [[nodiscard]] std::byte* address_of(Buffer buffer) const;
    void size_paper(const ModelShape& shape, std::int64_t n, std::int64_t rows);
    void size_sliced(
        const ModelShape& shape, const scheduler::Cut& cut, std::int64_t n, std::int64_t rows
    );
    void allocate(Buffer buffer);
    void release(Buffer buffer);

    std::pmr::memory_resource* resource_;
    std::size_t slots_;
    std::size_t slot_ = 0;
    bool sliced_;
    bool parts_;                          ///< whether groups are computed in two parts
    std::array<Bytes, kBuffers> bytes_{}; ///< size of each buffer for one slot
    std::array<std::byte*, kBuffers> data_{};
    std::vector<std::array<std::vector<SendWithHeader>, kBuffers>> pending_; ///< per slot
};

} // namespace headroom::runtime
