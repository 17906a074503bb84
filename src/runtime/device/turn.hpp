// Executes one device's program for turns (forward passes of one sequence each), segment by
// segment. A segment is a part of the program that runs without waiting. The kernels compute the
// values, the device clock computes the virtual times, and the transport sends the bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/wire.hpp"
#include "comm/polling_wait.hpp"
#include "comm/transport.hpp"
#include "device/device_clock.hpp"
#include "device/pacer.hpp"
#include "model/decoder/execute.hpp"
#include "runtime/memory/device_memory.hpp"
#include "runtime/memory/paging.hpp"
#include "runtime/messages/recheck.hpp"
#include "runtime/messages/wire.hpp"
#include "scheduler/timing/program.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::runtime {

/// A turn (a forward pass of one sequence), as the source announces it to all devices. At a visit
/// of the source to a group of slots (places of sequences), the group's next turns begin. A round
/// is one turn of every sequence. Turns, visits and rounds are numbered over the run.
struct Turn {
    std::int64_t number = 0;
    std::int64_t epoch = 0; ///< serial number of the placement and batch size
    std::int64_t sequence = 0;
    std::int64_t round = 0;
    std::int64_t visit = 0;   ///< number of the visit at which the turn begins
    std::int64_t batch = 0;   ///< number of the first turn of this turn's batch
    std::int64_t sampled = 0; ///< number of tokens that the run sampled before this turn
    std::int64_t first = 0;   ///< number of rows in the sequence's caches before the turn
    std::int64_t tokens = 1;  ///< n, the number of tokens that the turn processes
    std::int32_t slot = 0;
    /// Whether the turn samples a token. False for a chunk of a prompt, except the last chunk.
    bool samples = true;
    Recheck recheck{}; ///< set only in prefill turns of a resumed run (recheck.hpp)

    [[nodiscard]] bool begins_batch() const { return batch == number; }
    /// Returns the position of the sampled token. The first token of the prompt has position 0.
    [[nodiscard]] std::int64_t position() const { return first + tokens; }
    static auto wire_fields(auto& m) {
        return Fields() & m.number & m.epoch & m.sequence & m.round & m.visit & m.batch &
               m.sampled & m.first & m.tokens & m.slot & m.samples & m.recheck;
    }
};

struct StartedTurn {
    Turn turn;
    std::span<const std::int32_t> ids; ///< the tokens that the turn processes
};

struct SampledToken {
    std::int32_t id = -1;
    bool ends_text = false; ///< whether the sequence ends with this token, whatever its limit
    std::uint64_t logits_checksum = 0;
};

/// A moment at which a device held more than its budget.
struct OverloadRecord {
    Nanoseconds at = 0; ///< virtual time
    Bytes over = 0;     ///< bytes held beyond the budget
    static auto wire_fields(auto& m) { return Fields() & m.at & m.over; }
};

/// What a device recorded since its last report.
struct TurnLog {
    bool detailed = false; ///< whether `ops` and `messages` are recorded
    std::vector<scheduler::OpRecord> ops;
    std::vector<scheduler::MessageRecord> messages; ///< received messages
    std::vector<Bytes> sent;                        ///< payload bytes per receiving device
    std::vector<OverloadRecord> overloads;
    Bytes paged = 0;      ///< bytes read from storage because memory was over budget
    Nanoseconds busy = 0; ///< virtual time spent in operations
    static auto wire_fields(auto& m) {
        return Fields() & m.detailed & m.ops & m.messages & m.sent & m.overloads & m.paged & m.busy;
    }
};

struct TurnSettings {
    kernels::Sampling sampling;
    std::uint64_t seed = 0;
    bool may_page = false;
    std::string device_name;
    /// For tests: called with the logits of each sampling turn, on the device of lm_head.
    std::function<void(std::int64_t turn, std::span<const float>)> on_logits;
    /// For tests: virtual time that the device loses once, before its first operation of turn 2. A
    /// simulation does not have this wait, so a test that compares the run with a simulation must
    /// find a difference.
    Nanoseconds planted_wait = 0;
};

class TurnRunner {
  public:
    TurnRunner(
        const model::ExecutionContext& context,
        const TurnSettings& settings,
        DeviceMemory& memory,
        device::DeviceClock& clock,
        device::Pacer& pacer,
        comm::Transport& transport,
        TurnLog& log
    );

    /// Prepares turns that begin, and allocates the cache pages that they need.
    void begin(const std::vector<Turn>& batch);
    /// Sets the tokens that a slot's turn processes. Only the source calls this. Other devices
    /// receive the tokens as a message.
    void set_input_ids(std::int32_t slot, std::span<const std::int32_t> ids);
    /// Executes a segment of the program for all turns of a batch, instruction by instruction.
    void run(
        const scheduler::Program& program,
        const scheduler::ProgramSegment& segment,
        const std::vector<Turn>& batch
    );
    /// Returns the token that the slot's last turn sampled. Only the source and the device of
    /// lm_head have this token; on other devices the id is -1.
    [[nodiscard]] const SampledToken& sampled(std::int32_t slot) const {
        return states_[static_cast<std::size_t>(slot)].sampled;
    }
    /// Waits for all pending sends. Precondition: all turns have ended.
    void wait_for_sends();

  private:
    using Instruction = scheduler::Instruction;
    void compute(const Instruction& instruction, const std::vector<Turn>& batch);
    void transfer(const Instruction& instruction);
    void transfer_recheck_row(const Instruction& instruction);
    void recheck(BlockId b, const Turn& turn);
    void send(const Instruction& instruction);
    void receive(const Instruction& instruction);
    /// The turns for which the weights are read once: one turn, or several turns of one token each.
    /// Several turns must have adjacent slots, so that their rows lie at equal distances in a
    /// buffer.
    using Pass = std::span<const Turn>;
    [[nodiscard]] static std::int64_t rows_of(Pass pass);
    void execute(const Instruction& instruction, Pass pass);
    void execute_embed(BlockId b);
    void execute_group(const Instruction& instruction, Pass pass);
    void execute_products(BlockId b, Pass pass);
    [[nodiscard]] model::HeadSquares* squares_of(std::int32_t group);
    [[nodiscard]] const model::InverseNorms* norm_factors(Pass pass);
    void list_sequences(BlockId b, Pass pass);
    [[nodiscard]] model::Rows group_rows(Buffer buffer, BlockId b, std::int64_t width, Pass pass);
    [[nodiscard]] model::GroupScratch group_scratch(BlockId b, Pass pass);
    void execute_slice(BlockId b, Pass pass);
    void execute_proj(BlockId b, Pass pass);
    void execute_ffn(BlockId b, Pass pass);
    void execute_lm_head(BlockId b, Pass pass);
    void execute_hub(const Instruction& instruction);
    [[nodiscard]] model::InputRows input(Buffer buffer, std::int64_t width, Pass pass);
    [[nodiscard]] model::Rows output(Buffer buffer, std::int64_t width, Pass pass);
    void norm(const Instruction& instruction);
    void finish(const Instruction& instruction);
    void add_to_sums(BlockId b, const model::Rows& partial, Pass pass);
    void expect_finite(BlockId b, const model::InputRows& rows, std::int64_t width, Pass pass)
        const;
    void expect_residual(BlockId b, const model::InputRows& x, Pass pass) const;
    [[nodiscard]] std::string place_of(
        BlockId b, const Turn& turn, std::int64_t token, const std::string& how
    ) const;
    [[noreturn]] void throw_overflow(BlockId b, const model::CacheOverflow& error, Pass pass) const;
    [[noreturn]] void throw_not_finite(
        BlockId b, const Turn& turn, std::int64_t token, const std::string& how
    ) const;
    void add_received(const Instruction& instruction);
    std::int64_t* sums();
    [[nodiscard]] bool has_one_term(const Instruction& partial) const;
    [[nodiscard]] SampledToken choose_token(
        std::span<float> logits, std::int64_t sequence, std::int64_t position
    ) const;
    Bytes before_first_operation(const std::vector<Turn>& batch);
    Bytes page_excess();
    /// Returns the parts of this device's buffers that a message is sent from or received into.
    std::vector<std::span<std::byte>> payload_spans(
        const Instruction& instruction, DeviceId sender
    );
    std::vector<std::span<std::byte>> ring_spans(const Instruction& instruction, Buffer buffer);
    std::vector<std::span<std::byte>> group_spans(const Instruction& instruction, DeviceId sender);
    [[nodiscard]] Buffer buffer_of(const Instruction& instruction) const;
    float* writable(Buffer buffer);
    const float* angles();
    [[nodiscard]] comm::WaitReason wait_reason(const Instruction& instruction) const;

    const model::ExecutionContext* context_;
    const TurnSettings* settings_;
    DeviceMemory* memory_;
    device::DeviceClock* clock_;
    device::Pacer* pacer_;
    comm::Transport* transport_;
    TurnLog* log_;
    Pager pager_;
    comm::InterruptWatch watch_;

    struct SlotState {
        Turn turn;
        std::vector<std::int32_t> ids;
        SampledToken sampled;
        bool has_computed = false;
        bool has_angles = false;
        /// Whether Buffer::sums has been set to 0 for the present reduction. If not, this is done
        /// before the first partial sum is added.
        bool sums_begun = false;
        std::int64_t last_x_row = 0;   ///< row of Buffer::x that lm_head reads
        std::int64_t recheck_row = -1; ///< row of Buffer::x that the recheck reads; -1: none
        std::vector<SendWithHeader> small_sends; ///< sends of token ids
    };
    void select(const Turn& turn);
    void wait_for_small_sends(SlotState& state);

    std::vector<SlotState> states_;              ///< per slot
    SlotState* current_ = nullptr;               ///< the slot selected by select()
    std::vector<model::SequenceRows> sequences_; ///< argument of model::run_group_rest
    std::vector<model::HeadSquares> squares_;    ///< of one group, one for each turn of a pass
};

} // namespace headroom::runtime
