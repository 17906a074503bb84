// The class Emitter collects instructions while a placement is lowered, which means translated to
// one program per device (program.hpp). Only *_lowering.* and program.cpp include this header.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "scheduler/timing/program.hpp"

namespace headroom::scheduler {

/// A message with the sum of several blocks' outputs has this many bytes per element, because such
/// sums are sent in 64-bit fixed point.
inline constexpr Bytes kSumBytes = 8;

/// The members of Instruction that are equal in the send and in the receive of one message.
struct MessageShape {
    Payload payload = Payload::token;
    std::int32_t layer = -1;
    Bytes bytes_per_token = 0;
    bool per_turn = false;
    std::int32_t part = 0;
    std::int32_t parts = 1;
    std::int32_t step = 0;
};

class Emitter {
  public:
    /// Blocks and placement must outlive the emitter.
    Emitter(const Blocks& blocks, const Placement& placement, std::size_t devices)
        : blocks_(blocks), placement_(placement), programs_(devices), stages_(devices) {
        const auto layers = static_cast<std::size_t>(blocks.shape().layers);
        for (Program& program : programs_) {
            program.reserve(8 * layers + 4 * blocks.size() / devices);
        }
    }

    void append(DeviceId d, const Instruction& instruction) {
        programs_[d.index()].push_back(instruction);
    }

    void compute(BlockId b, std::int32_t part = 0, BlockPart work = BlockPart::whole) {
        const BlockName& name = blocks_.name(b);
        const Stage stage{name.kind, name.layer, part};
        std::optional<Stage>& last = stages_[device_of(b).index()];
        append(
            device_of(b),
            {.code = OpCode::compute,
             .block = b,
             .work = work,
             .part = part,
             .starts_stage = last != stage}
        );
        last = stage;
    }

    /// Appends an operation that takes no time: the hub of a ring.
    void mark(BlockId b, std::int32_t part) {
        append(device_of(b), {.code = OpCode::compute, .block = b, .part = part});
    }

    void send(DeviceId from, DeviceId to, const MessageShape& shape) {
        append(from, message_instruction(OpCode::send, to, shape));
    }

    void receive(DeviceId from, DeviceId to, const MessageShape& shape) {
        append(to, message_instruction(OpCode::receive, from, shape));
    }

    /// Appends the send and the receive of a message, or nothing if both devices are the same.
    void transfer(DeviceId from, DeviceId to, const MessageShape& shape) {
        if (from != to) {
            send(from, to, shape);
            receive(from, to, shape);
        }
    }

    [[nodiscard]] const Blocks& blocks() const { return blocks_; }
    [[nodiscard]] std::size_t devices() const { return programs_.size(); }
    [[nodiscard]] DeviceId device_of(BlockId b) const { return placement_[b.index()]; }
    [[nodiscard]] Bytes x_bytes() const { return blocks_.shape().width * kFloatBytes; }
    [[nodiscard]] std::vector<Program> take_programs() { return std::move(programs_); }

  private:
    struct Stage {
        BlockKind kind = BlockKind::embed;
        std::int32_t layer = -1;
        std::int32_t part = 0; ///< of a hub: after attention or after the slices
        bool operator==(const Stage&) const = default;
    };

    static Instruction message_instruction(OpCode code, DeviceId peer, const MessageShape& shape) {
        return {
            .code = code,
            .payload = shape.payload,
            .layer = shape.layer,
            .peer = peer,
            .bytes_per_token = shape.bytes_per_token,
            .per_turn = shape.per_turn,
            .part = shape.part,
            .parts = shape.parts,
            .step = shape.step,
        };
    }

    const Blocks& blocks_;
    const Placement& placement_;
    std::vector<Program> programs_;
    std::vector<std::optional<Stage>> stages_; ///< per device, the stage of its last block
};

} // namespace headroom::scheduler
