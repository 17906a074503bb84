// One device's part of the turns under way: its program, executed segment by segment. Kernels make
// the numbers, the device clock makes the times, the transport moves the bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "comm/patience.hpp"
#include "comm/transport.hpp"
#include "device/device_clock.hpp"
#include "device/pacer.hpp"
#include "model/decoder/execute.hpp"
#include "runtime/memory/paging.hpp"
#include "runtime/memory/resident.hpp"
#include "runtime/messages/recheck.hpp"
#include "runtime/messages/wire.hpp"
#include "scheduler/timing/program.hpp"
#include "scheduler/timing/timeline.hpp"
#include "scheduler/timing/turn_schedule.hpp"

namespace headroom::runtime {

/// What every device must know of a turn before it begins.
struct Turn {
    std::int64_t number = 0; ///< counts all turns of the run
    std::int64_t epoch = 0;
    std::int64_t sequence = 0;
    std::int64_t round = 0;   ///< counted over the run
    std::int64_t visit = 0;   ///< of the source that begins it, counted over the run
    std::int64_t batch = 0;   ///< first turn of those that it is joined with
    std::int64_t sampled = 0; ///< tokens of the whole run sampled before this turn
    std::int64_t first = 0;   ///< rows in the caches before it
    std::int64_t tokens = 1;  ///< n
    std::int32_t slot = 0;
    bool samples = true; ///< not a chunk before a prompt's last
    Recheck recheck{};   ///< only of turns that take in a prompt, which have no others beside them

    [[nodiscard]] bool begins_batch() const { return batch == number; }
    /// In the sequence, prompt included, of the token that the turn yields.
    [[nodiscard]] std::int64_t position() const { return first + tokens; }
};

struct StartedTurn {
    Turn turn;
    std::span<const std::int32_t> ids; ///< what it takes in
};

struct SampledToken {
    std::int32_t id = -1;
    bool ends_text = false; ///< the text is over with it, whatever the limit
    std::uint64_t logits_checksum = 0;
};

/// A device that held more than its budget; `at` is virtual.
struct OverloadRecord {
    Nanoseconds at = 0;
    Bytes over = 0;
};
/// Rows that a device noted since it last reported.
struct TurnLog {
    bool detailed = false; ///< ops and messages too
    std::vector<scheduler::OpRecord> ops;
    std::vector<scheduler::MessageRecord> messages; ///< at their receiver
    std::vector<Bytes> sent;                        ///< payload bytes per target device
    std::vector<OverloadRecord> overloads;
    Bytes paged = 0;      ///< read again from storage
    Nanoseconds busy = 0; ///< computing
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

    /// Turns that are executed in lockstep begin here: their caches grow.
    void begin(const std::vector<Turn>& batch);
    /// Source: the tokens that a turn takes in.
    void give_ids(std::int32_t slot, std::span<const std::int32_t> ids);
    /// Part of their program, each instruction for all of them before the next.
    void run(
        const scheduler::Program& program,
        const scheduler::ProgramSegment& segment,
        const std::vector<Turn>& batch
    );
    /// What a slot's last turn sampled, known on the source and on lm_head's device; else id -1.
    [[nodiscard]] const SampledToken& sampled(std::int32_t slot) const {
        return states_[static_cast<std::size_t>(slot)].sampled;
    }
    /// Nothing is under way: waits for all sends.
    void settle();

  private:
    using Instruction = scheduler::Instruction;
    void compute(const Instruction& instruction, const std::vector<Turn>& batch);
    void transfer(const Instruction& instruction);
    void hand_over_recheck(const Instruction& instruction);
    void recheck(BlockId b, const Turn& turn);
    void send(const Instruction& instruction);
    void receive(const Instruction& instruction);
    /// One turn, or several of one token in slots that follow each other.
    using Pass = std::span<const Turn>;
    [[nodiscard]] static std::int64_t rows_of(Pass pass);
    void execute(const Instruction& instruction, Pass pass);
    void execute_embed(BlockId b);
    void execute_group(BlockId b, Pass pass);
    void execute_slice(BlockId b, Pass pass);
    void execute_proj(BlockId b, Pass pass);
    void execute_ffn(BlockId b, Pass pass);
    void execute_lm_head(BlockId b, Pass pass);
    void execute_hub(const Instruction& instruction);
    [[nodiscard]] model::InputRows input(Buffer buffer, std::int64_t width, Pass pass);
    [[nodiscard]] model::Rows output(Buffer buffer, std::int64_t width, Pass pass);
    void norm(const Instruction& instruction);
    void finish(const Instruction& instruction);
    void add_up(BlockId b, const model::Rows& partial, Pass pass);
    void expect_finite(BlockId b, const model::InputRows& rows, std::int64_t width, Pass pass)
        const;
    void expect_residual(BlockId b, const model::InputRows& x, Pass pass) const;
    [[noreturn]] void went_astray(
        BlockId b, const Turn& turn, std::int64_t token, const std::string& how
    ) const;
    void take_in(const Instruction& instruction);
    std::int64_t* sums();
    [[nodiscard]] bool has_one_term(const Instruction& partial) const;
    void sample(std::span<float> logits);
    [[nodiscard]] SampledToken chosen(
        std::span<float> logits, std::int64_t sequence, std::int64_t position
    ) const;
    Bytes before_first_operation(const std::vector<Turn>& batch);
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
    comm::InterruptWatch watch_;

    /// A turn on its way.
    struct State {
        Turn turn;
        std::vector<std::int32_t> ids;
        SampledToken sampled;
        bool has_computed = false;
        bool has_angles = false;
        bool sums_begun = false; ///< sliced: this stage's partial sums have a first term or zeros
        std::int64_t last_x_row = 0;       ///< where lm_head finds its x
        std::int64_t recheck_row = -1;     ///< and the x of a recheck
        std::vector<HeldSend> small_sends; ///< ids and sampled ids
    };
    void select(const Turn& turn);
    void wait_for_small_sends(State& state);

    std::vector<State> states_;                  ///< per slot
    State* now_ = nullptr;                       ///< of the turn at work
    std::vector<model::SequenceRows> sequences_; ///< of the group at work
};

} // namespace headroom::runtime
