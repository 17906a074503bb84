// One device's part of one turn: its program, executed. Kernels make the numbers, the device clock
// makes the times, the transport moves the bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "comm/transport.hpp"
#include "device/device_clock.hpp"
#include "device/pacer.hpp"
#include "model/execute.hpp"
#include "runtime/paging.hpp"
#include "runtime/resident.hpp"
#include "runtime/wire.hpp"
#include "scheduler/program.hpp"
#include "scheduler/timeline.hpp"

namespace headroom::runtime {

/// What every device must know of a turn before it begins.
struct Turn {
    std::int64_t number = 0; ///< counts all turns of the run
    std::int64_t epoch = 0;
    std::int64_t sequence = 0;
    std::int64_t sampled = 0; ///< tokens of the whole run sampled before this turn
    std::int64_t first = 0;   ///< rows in the caches before it
    std::int64_t tokens = 1;  ///< n

    /// In the sequence, prompt included, of the token that the turn yields.
    [[nodiscard]] std::int64_t position() const { return first + tokens; }
};

struct SampledToken {
    std::int32_t id = -1;
    std::uint64_t logits_checksum = 0;
};

/// Rows that a device noted in an interval; times are virtual.
struct OverloadRecord {
    Nanoseconds at = 0;
    Bytes over = 0;
};
struct TurnOp {
    std::int64_t turn = 0;
    scheduler::OpRecord op;
};
struct TurnMessage {
    std::int64_t turn = 0;
    scheduler::MessageRecord message;
};
struct TurnLog {
    bool detailed = false; ///< ops and messages too
    std::vector<TurnOp> ops;
    std::vector<TurnMessage> messages; ///< at their receiver
    std::vector<Bytes> sent;           ///< payload bytes per target device
    std::vector<OverloadRecord> overloads;
    Bytes paged = 0; ///< read again from storage
};

struct TurnSettings {
    kernels::Sampling sampling;
    std::uint64_t seed = 0;
    bool may_page = false;
    std::string device_name;
    /// For tests: sees the logits on lm_head's device.
    std::function<void(std::int64_t turn, std::span<const float>)> on_logits;
    /// For tests: virtual time that nobody else knows of, spent once before turn 2's first
    /// operation. Shows that the comparison with the timeline can fail.
    Nanoseconds planted_wait = 0;
};

class TurnRunner {
  public:
    TurnRunner(
        const model::Context& context,
        const TurnSettings& settings,
        Resident& resident,
        device::DeviceClock& clock,
        device::Pacer& pacer,
        comm::Transport& transport,
        TurnLog& log
    );

    /// `ids`: the turn's tokens, known on the source only. Returns the sampled token on the source,
    /// and on lm_head's device; elsewhere an id of -1.
    SampledToken run(
        const scheduler::Program& program, const Turn& turn, std::span<const std::int32_t> ids
    );

  private:
    using Instruction = scheduler::Instruction;
    void compute(const Instruction& instruction);
    void send(const Instruction& instruction);
    void receive(const Instruction& instruction);
    void execute(const Instruction& instruction);
    void execute_group(BlockId b);
    void execute_slice(BlockId b);
    void execute_hub(const Instruction& instruction);
    void norm(const Instruction& instruction);
    void finish(const Instruction& instruction);
    void add_up(BlockId b, const float* partial);
    void take_in(const Instruction& instruction);
    std::int64_t* sums();
    [[nodiscard]] bool has_one_term(const Instruction& partial) const;
    void sample();
    Bytes page();
    /// The bytes that a payload consists of, in this device's buffers.
    std::vector<std::span<std::byte>> parts(const Instruction& instruction, DeviceId sender);
    std::vector<std::span<std::byte>> ring_parts(const Instruction& instruction, Buffer buffer);
    [[nodiscard]] Buffer buffer_of(const Instruction& instruction) const;
    float* writable(Buffer buffer);
    const float* angles();
    [[nodiscard]] comm::Waiting waiting(const Instruction& instruction) const;

    const model::Context* context_;
    const TurnSettings* settings_;
    Resident* resident_;
    device::DeviceClock* clock_;
    device::Pacer* pacer_;
    comm::Transport* transport_;
    TurnLog* log_;
    Pager pager_;

    Turn turn_;
    std::vector<std::int32_t> ids_;
    SampledToken sampled_;
    bool first_operation_ = true;
    bool has_angles_ = false;
    bool sums_begun_ = false;     ///< sliced: this stage's partial sums have a first term or zeros
    std::int64_t last_x_row_ = 0; ///< where lm_head finds its x
    std::vector<HeldSend> small_sends_; ///< ids and sampled ids, until the turn ends
};

} // namespace headroom::runtime
