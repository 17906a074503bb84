// Lowering: a placement becomes one static program per device. The same programs are walked by the
// timeline and executed by the runtime; their order is consistent everywhere, so they cannot
// deadlock. Source: design.md §3 (data flow of both granularities) and §4 (order of messages).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/blocks.hpp"

namespace headroom::scheduler {

enum class OpCode : std::uint8_t { compute, send, receive };

/// What a message carries. Sizes per token of the turn; `last_x` and `sampled` are of one token
/// whatever the turn's length is.
enum class Payload : std::uint8_t {
    token,        ///< source -> embed, at the start of a turn: the ids, 4 B each (n of a prefill)
    normed_x,     ///< holder of x -> devices with groups, D·4
    x,            ///< holder of x -> proj or hub, D·4
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
    std::int32_t layer = -1;          ///< send, receive: the payload's layer; token, sampled: -1
    BlockId block{};                  ///< compute
    DeviceId peer{};                  ///< send: target, receive: sender
    Bytes bytes_per_token = 0;        ///< send, receive
    bool per_turn = false;            ///< send, receive: bytes do not grow with the turn's tokens
    /// compute of a hub: 0 after attention, 1 after the ffn; ring payloads: which part of D.
    std::int32_t part = 0;

    bool operator==(const Instruction&) const = default;
    [[nodiscard]] Bytes bytes(std::int64_t tokens) const {
        return per_turn ? bytes_per_token : bytes_per_token * tokens;
    }
};

using Program = std::vector<Instruction>;

/// One program per device for one turn. A device without blocks that is not the source has an
/// empty program. The source's program begins with sending the id to embed's device and ends with
/// receiving the sampled id, unless those live on it.
[[nodiscard]] std::vector<Program> lower(
    const Blocks& blocks, const Placement& placement, DeviceId source, std::size_t devices
);

} // namespace headroom::scheduler
