// Lowering translates a placement into one program per device: the computations, sends and receives
// of one forward pass (turn), in a fixed order. The timeline (timeline.hpp) computes the times of
// these programs, and the runtime executes them. The programs cannot deadlock, because all of them
// are parts of one global order in which every send stands before its receive. See
// docs/explanation/blocks.md#data-flow-of-a-decode-step and docs/explanation/time.md#messages.
//
// With Reduce::ring (granularity `sliced`; docs/explanation/blocks.md#ring-all-reduce) the ring
// consists of the N devices that hold any block, by increasing id. If the model has no embed, the
// first x is on the source (the device where prompts come in). The source then belongs to the ring
// even if it holds no block. All devices of the ring hold the residual stream x, a vector of D
// numbers per token. Before layer 0 the device of embed, or else the source, sends x to the others
// by increasing id, as payload `x`. A layer has two stages: 0 for the groups (a group is a K/V head
// with its query heads), 1 for the slices (some columns of the FFN). In each stage device r of the
// ring, counted from 0, does the following:
// - `norm`: It applies the stage's norm to x and sets its partial sum to zero. All devices of the
//   ring have the norm weights in their buffers.
// - It computes its groups or slices in block order and adds their outputs to its partial sum,
//   which has D numbers per token in 64-bit fixed point. If it has none, the sum stays zero.
// - Reduce-scatter: In step s = 0 … N-2 it sends part (r - s) mod N of its partial sum (`ring_sum`,
//   8 bytes per element) to the next device of the ring. It receives part (r - 1 - s) mod N from
//   the previous device and adds it to its own sums.
// - `finish`: Part (r + 1) mod N of its sums now has the terms of all devices. It adds this part of
//   x (the residual), which gives this part of the new x.
// - All-gather: In step s = 0 … N-2 it sends part (r + 1 - s) mod N of the new x (`ring_x`, 4 bytes
//   per element) and receives part (r - s) mod N.
// Part p has the elements [p·D/N, (p+1)·D/N) of every token, token after token. A part without
// elements is neither sent nor finished. The hub (the block that adds up partial sums if there is
// no ring) is executed on its device at the end of each stage as an operation that does nothing and
// takes no time. No `last_x` is sent to lm_head, because every device of the ring has x already.
//
// If queries and keys are normalised over all heads of a token together (QkNorm::width), a group is
// two operations (BlockPart). A device first computes the products of all of its groups of a layer.
// Then it sends every other device with groups of the layer, by increasing id, the sums of squares
// of its groups' queries and keys (`norm_sums`: two doubles per group and token), receives theirs
// by increasing id, and computes the rests. The first and the second operations of the groups are
// one stage: the operation overhead precedes the first product only. If the device of proj or the
// hub waits for x from a device that also sends it `norm_sums`, it receives x just before these. If
// one device has all groups of the layer, it sends nothing.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/blocks.hpp"
#include "scheduler/core/media.hpp"

namespace headroom::scheduler {

/// `norm` and `finish` only occur with Reduce::ring (see above). They take no virtual time: the
/// timeline neither changes a clock nor records anything for them.
enum class OpCode : std::uint8_t { compute, send, receive, norm, finish };

/// What a message carries. The comments give sender -> receiver and the bytes per token of the
/// turn. `last_x` and `sampled` are exceptions: they have the bytes of a single token, however many
/// tokens the turn has. The activation device is the one that has x when a layer begins. D is the
/// width of x, q the number of query heads in a group, d the width of a head. A number has 4 bytes,
/// or 8 in a sum of several terms.
enum class Payload : std::uint8_t {
    token,        ///< source -> embed: the token ids, 4 each
    normed_x,     ///< activation device -> devices with groups: D·4
    x,            ///< activation device -> proj or hub; with a ring -> its other devices: D·4
    head_outputs, ///< device with groups -> proj: q·d·4 for each of its groups, in block order
    residual,     ///< proj -> ffn: D·4
    last_x,       ///< last ffn or hub -> lm_head or, without it, source: last token's x, D·4
    sampled,      ///< lm_head -> source: the sampled id, 4
    attention_partial, ///< device with groups -> hub: D·4 from one group, D·8 from several
    normed_residual,   ///< hub -> devices with slices: D·4
    ffn_partial,       ///< device with slices -> hub: D·4 from one slice, D·8 from several
    ring_sum,          ///< -> next device of the ring: one part of the partial sums, 8 per element
    ring_x,            ///< -> next device of the ring: one part of the new x, 4 per element
    norm_sums,         ///< device with groups -> the others: 16 for each of the sender's groups
};

/// The payload with the largest number.
inline constexpr Payload kLastPayload = Payload::norm_sums;

/// Returns the name of the enumerator, as traces and error messages show it.
[[nodiscard]] std::string_view name_of(Payload payload);

/// One instruction of a program. The members' comments name the op codes that use them.
struct Instruction {
    OpCode code = OpCode::compute;
    Payload payload = Payload::token; ///< send, receive
    /// Used by all op codes but compute. It is -1 for the payloads `token` and `sampled`, which
    /// belong to no layer.
    std::int32_t layer = -1;
    BlockId block{};                   ///< compute
    BlockPart work = BlockPart::whole; ///< compute: the part of the block that is computed
    DeviceId peer{};                   ///< send: the target; receive: the sender
    Bytes bytes_per_token = 0;         ///< send, receive
    bool per_turn = false; ///< send, receive: true if a turn of any length sends bytes_per_token
    /// For `norm` and `compute` of a hub, the stage: 0 for attention, 1 for ffn. For ring payloads
    /// and `finish`, the number of the part.
    std::int32_t part = 0;
    std::int32_t parts = 1; ///< ring payloads and finish: N, the number of parts
    /// Ring payloads: the step of the reduce-scatter or all-gather. The steps of a layer's second
    /// all-reduce continue those of the first, so that all messages of a layer differ.
    std::int32_t step = 0;
    /// compute: whether the device's operation overhead precedes the block, because the block is
    /// the first of its stage. A stage is all groups of a layer, its proj, its ffn or all slices,
    /// its hub after attention or after the slices, embed or lm_head.
    bool starts_stage = false;
    MediaShares shares{}; ///< send: how the message shares the media of both ends (core/media.hpp)

    bool operator==(const Instruction&) const = default;
    /// Returns the payload bytes of the message in a turn of this many tokens.
    [[nodiscard]] Bytes bytes(std::int64_t tokens) const {
        return per_turn ? bytes_per_token : bytes_per_token * tokens;
    }
};

/// Returns the key of the message that an instruction sends in a turn.
[[nodiscard]] inline MessageKey key_of(const Instruction& sent, std::int64_t turn) {
    return {
        turn,
        static_cast<std::int32_t>(sent.payload),
        sent.layer,
        sent.part + sent.step * sent.parts};
}

using Program = std::vector<Instruction>;

/// The elements [first, first + count) of a D-vector.
struct RingPart {
    std::int64_t first = 0;
    std::int64_t count = 0;
    bool operator==(const RingPart&) const = default;
};

/// Returns part number `part` of a vector of `width` elements. Throws Bug unless 0 ≤ part < parts.
[[nodiscard]] RingPart ring_part(std::int64_t width, std::int32_t part, std::int32_t parts);

/// Returns the programs of one turn, one per device. `medium_of` has the medium of each device, if
/// any shares one. A device other than the source has an empty
/// program if it has no blocks. If embed is not on the source, the source's program begins by
/// sending the token ids to embed's device. If lm_head is not on the source, that program ends by
/// receiving the sampled id. Throws Bug if a block has no valid device.
[[nodiscard]] std::vector<Program> lower(
    const Blocks& blocks,
    const Placement& placement,
    DeviceId source,
    std::size_t devices,
    const MediumOf& medium_of = {}
);

} // namespace headroom::scheduler
