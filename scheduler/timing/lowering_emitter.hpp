// Where lowering writes its instructions: one program per device, and the words that all of
// lowering shares. Inside of lowering only.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "scheduler/timing/program.hpp"

namespace headroom::scheduler {

inline constexpr Bytes kSumBytes = 8; ///< one number of a partial sum of several terms

/// What travels once.
struct Parcel {
    Payload payload = Payload::token;
    std::int32_t layer = -1;
    Bytes bytes_per_token = 0;
    bool per_turn = false;
    std::int32_t part = 0;
    std::int32_t parts = 1;
};

class Emitter {
  public:
    /// Both must outlive it.
    Emitter(const Blocks& blocks, const Placement& placement, std::size_t devices)
        : blocks_(blocks), placement_(placement), programs_(devices) {
        const auto layers = static_cast<std::size_t>(blocks.shape().layers);
        for (Program& program : programs_) {
            program.reserve(8 * layers + 4 * blocks.size() / devices);
        }
    }

    void append(DeviceId d, const Instruction& instruction) {
        programs_[d.index()].push_back(instruction);
    }

    void compute(BlockId b, std::int32_t part = 0) {
        append(on(b), {.code = OpCode::compute, .block = b, .part = part});
    }

    void send(DeviceId from, DeviceId to, const Parcel& parcel) {
        append(from, transfer(OpCode::send, to, parcel));
    }

    void receive(DeviceId from, DeviceId to, const Parcel& parcel) {
        append(to, transfer(OpCode::receive, from, parcel));
    }

    /// A message with its receive right behind it; nothing if it stays where it is.
    void move(DeviceId from, DeviceId to, const Parcel& parcel) {
        if (from != to) {
            send(from, to, parcel);
            receive(from, to, parcel);
        }
    }

    [[nodiscard]] const Blocks& blocks() const { return blocks_; }
    [[nodiscard]] std::size_t devices() const { return programs_.size(); }
    [[nodiscard]] DeviceId on(BlockId b) const { return placement_[b.index()]; }
    [[nodiscard]] Bytes x_bytes() const { return blocks_.shape().width * kFloatBytes; }
    [[nodiscard]] std::vector<Program> take() { return std::move(programs_); }

  private:
    static Instruction transfer(OpCode code, DeviceId peer, const Parcel& parcel) {
        return {
            .code = code,
            .payload = parcel.payload,
            .layer = parcel.layer,
            .peer = peer,
            .bytes_per_token = parcel.bytes_per_token,
            .per_turn = parcel.per_turn,
            .part = parcel.part,
            .parts = parcel.parts,
        };
    }

    const Blocks& blocks_;
    const Placement& placement_;
    std::vector<Program> programs_;
};

} // namespace headroom::scheduler
