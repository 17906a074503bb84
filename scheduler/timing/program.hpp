// Lowering: a placement becomes one static program per device. The same programs are walked by the
// timeline and executed by the runtime; their order is consistent everywhere, so they cannot
// deadlock. Source: docs/explanation/blocks.md#data-flow-of-a-decode-step and
// docs/explanation/time.md#messages.
//
// Reduce::ring (granularity `sliced`; Galaxy's all-reduce,
// docs/explanation/blocks.md#ring-all-reduce). The ring: the N devices that hold any block, by
// increasing id; without ends the source is one of them in any case. x is on all of them. Embed's
// device, after embed has computed (without ends: the source, at the start of the turn), sends x to
// every other one in increasing order, as `x` of layer 0. Then twice per layer, for the groups
// (stage 0) and for the slices (stage 1), the r-th device of the ring:
// - `norm`: norms its x with the stage's norm weights, which every device of the ring has in its
//   buffers (also embed's device, for layer 0), and sets its partial sum to zero;
// - computes its units in block order and adds what they make to its partial sum, D numbers a token
//   in 64-bit fixed point; with no units here it stays zero;
// - reduce-scatter: in step s = 0 … N-2 sends part (r - s) mod N of its partial sum (`ring_sum`,
//   8 B an element) to the next device of the ring and adds part (r - 1 - s) mod N, which the
//   previous one sends, to its own;
// - `finish`: part (r + 1) mod N is now complete here, and x's elements of that part are added to
//   it as a hub does: the new x's elements;
// - all-gather: in step s = 0 … N-2 sends part (r + 1 - s) mod N of the new x (`ring_x`, 4 B an
//   element) and receives part (r - s) mod N.
// Part p of D are the elements [p·D/N, (p+1)·D/N) of every token, token after token; a part without
// elements is neither sent nor finished. The hub has no traffic: it is one more operation on its
// device, at the end of each stage. lm_head's device, which is in the ring, has x already, and
// so has the source without ends; there is no last_x.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/blocks.hpp"

namespace headroom::scheduler {

/// `norm` and `finish` belong to Reduce::ring, see above. They cost nothing and are no operations
/// of the timeline: the clock does not change, nothing is paged for them, no record is written.
enum class OpCode : std::uint8_t { compute, send, receive, norm, finish };

/// What a message carries. Sizes per token of the turn; `last_x` and `sampled` are of one token
/// whatever the turn's length is.
enum class Payload : std::uint8_t {
    token,        ///< source -> embed, at the start of a turn: the ids, 4 B each (n of a prefill)
    normed_x,     ///< holder of x -> devices with groups, D·4
    x,            ///< holder of x -> proj or hub (ring: embed or source -> everybody in it), D·4
    head_outputs, ///< device with groups -> proj, its groups' q·d·4 in block order
    residual,     ///< proj -> ffn, D·4
    last_x, ///< last ffn or hub -> lm_head: x of the last token only, D·4 (without ends: -> source)
    sampled,           ///< lm_head -> source: the sampled id, 4 B
    attention_partial, ///< device with groups -> hub: D·4 of one block, D·8 if several are added up
    normed_residual,   ///< hub -> devices with slices, D·4
    ffn_partial,       ///< device with slices -> hub, like attention_partial
    ring_sum,          ///< to the ring's next device: one part of the partial sums, 8 B an element
    ring_x,            ///< to the ring's next device: one part of the finished x, 4 B an element
};

[[nodiscard]] std::string_view name_of(Payload payload);

struct Instruction {
    OpCode code = OpCode::compute;
    Payload payload = Payload::token; ///< send, receive
    std::int32_t layer = -1; ///< of the payload (token, sampled: -1), the norm or the finished part
    BlockId block{};         ///< compute
    DeviceId peer{};         ///< send: target, receive: sender
    Bytes bytes_per_token = 0; ///< send, receive
    bool per_turn = false;     ///< send, receive: bytes do not grow with the turn's tokens
    /// compute of a hub: 0 after attention, 1 after the ffn; norm: 0 before attention, 1 before the
    /// ffn; ring payloads and finish: which part of D.
    std::int32_t part = 0;
    std::int32_t parts = 1; ///< ring payloads and finish: N, of how many parts

    bool operator==(const Instruction&) const = default;
    [[nodiscard]] Bytes bytes(std::int64_t tokens) const {
        return per_turn ? bytes_per_token : bytes_per_token * tokens;
    }
};

using Program = std::vector<Instruction>;

/// Elements of D-vectors: `count` of them from `first` on.
struct RingPart {
    std::int64_t first = 0;
    std::int64_t count = 0;
    bool operator==(const RingPart&) const = default;
};

/// [part·width/parts, (part+1)·width/parts). Precondition: 0 ≤ part < parts.
[[nodiscard]] RingPart ring_part(std::int64_t width, std::int32_t part, std::int32_t parts);

/// One program per device for one turn. A device without blocks that is not the source has an
/// empty program; with a ring and ends a source without blocks only sends and receives ids. The
/// source's program begins with sending the id to embed's device and ends with receiving the
/// sampled id, unless those live on it.
[[nodiscard]] std::vector<Program> lower(
    const Blocks& blocks, const Placement& placement, DeviceId source, std::size_t devices
);

} // namespace headroom::scheduler
