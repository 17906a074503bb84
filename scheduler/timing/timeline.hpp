// The timeline computes when every operation and message happens, by walking through the programs
// of all devices (program.hpp) without doing their arithmetic. Its times equal those of a run to
// the nanosecond. Predictions and the commands `simulate` and `replay` use the timeline. See
// docs/explanation/time.md.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/blocks.hpp"
#include "scheduler/core/fleet.hpp"
#include "scheduler/timing/clock_log.hpp"
#include "scheduler/timing/program.hpp"
#include "scheduler/timing/turn_schedule.hpp"

namespace headroom::scheduler {

/// One turn (a forward pass of one sequence): it processes tokens first+1 … first+tokens of the
/// sequence. A decode turn has one token; if that is token T of the sequence, first is T−1.
struct TurnWork {
    std::int64_t first = 0;
    std::int64_t tokens = 1;
    bool samples = true;     ///< false if more chunks of the prompt follow; then lm_head is skipped
    std::int32_t slot = 0;   ///< distinguishes the messages of different sequences
    std::int64_t number = 0; ///< number of the turn in the records
    bool operator==(const TurnWork&) const = default;
};

/// Returns the cost of block b, or of a part of it, for a batch of turns. `sampling_only` says that
/// the block (lm_head) computes only for turns that sample a token; if there are none, the result's
/// has_turns is false.
[[nodiscard]] OperationCost cost_of(
    const Blocks& blocks,
    BlockId b,
    std::span<const TurnWork> turns,
    bool sampling_only,
    BlockPart part = BlockPart::whole
);

/// Turns that are computed together: a block computes once for all, but each has its own messages.
struct Batch {
    std::vector<TurnWork> turns;        ///< at least one
    std::shared_ptr<const Rates> rates; ///< the rates that apply to these turns
};

/// One operation: a block computes for one batch. A hub has two per batch, after attention and
/// after the ffn, and a group has two if it is computed in parts; all other blocks have one. `turn`
/// is the number of the batch's first turn.
struct OpRecord {
    DeviceId device;
    BlockId block;
    Nanoseconds start = 0;
    Nanoseconds end = 0;
    std::int64_t turn = 0;
    bool operator==(const OpRecord&) const = default;
};

struct MessageRecord {
    DeviceId from;
    DeviceId to;
    Payload payload = Payload::token;
    std::int32_t layer = -1;
    Bytes bytes = 0;
    Nanoseconds begin = 0;   ///< when sending begins; g in docs/explanation/time.md#messages
    Nanoseconds arrival = 0; ///< when the last byte arrives, after any wait for a limited ingress
    std::int64_t turn = 0;
    bool operator==(const MessageRecord&) const = default;
};

/// The migration of one block.
struct Move {
    BlockId block;
    DeviceId from;
    DeviceId to;
    Bytes bytes = 0;  ///< sent from one device to the other; 0 means no message
    Bytes loaded = 0; ///< read by the target from its storage
    bool operator==(const Move&) const = default;
};

/// A move and its times: `start` is when its message or its load begins, whichever is first, and
/// `end` is when both have ended.
struct MoveRecord {
    Move move;
    Nanoseconds start = 0;
    Nanoseconds end = 0;
    bool operator==(const MoveRecord&) const = default;
};

/// What the times of a migration depend on besides its moves.
struct MigrationFacts {
    std::int64_t epoch = 0; ///< the epoch that begins; distinguishes the draws of its messages
    MediumOf medium_of{};   ///< the medium of each device, if any shares one
};

/// Returns the shares of each move's message: all messages of a migration are one phase.
[[nodiscard]] std::vector<MediaShares> shares_of(
    std::span<const Move> moves, const MediumOf& medium_of
);
/// Returns the key of the message that moves a block in the migration to this epoch.
[[nodiscard]] MessageKey key_of(const Move& move, std::int64_t epoch);

/// Records of operations and messages. The records of one device are in the order of execution. A
/// message is among the records of its receiver, which alone knows the arrival.
struct TimelineLog {
    std::vector<OpRecord> ops;
    std::vector<MessageRecord> messages;
};

/// What one device did between two calls of Timeline::take_logs.
struct DeviceLog {
    TimelineLog records;            ///< empty unless Settings::detailed
    std::map<DeviceId, Bytes> sent; ///< payload bytes per target
    Nanoseconds busy = 0;           ///< time spent computing
};

/// Returns the moves from one placement to another, in block order. A move sends the block's
/// weights and, if the block has a KV cache, so many rows of it. If a tied lm_head (one that uses
/// embed's matrix) moves to the device that embed has in `to`, lm_head sends only its norm weights.
/// Embed always sends its matrix. With weights_everywhere the target loads the weights from its
/// storage, and only the rows are sent. Moves of 0 bytes are included, because their blocks change
/// devices too. Throws Bug if a placement has the wrong number of blocks.
[[nodiscard]] std::vector<Move> moves_between(
    const Blocks& blocks,
    const Placement& from,
    const Placement& to,
    const CacheRows& rows,
    bool weights_everywhere = false
);

/// Holds the clock of each device. Also holds the times from which each link, each limited egress
/// and each limited ingress can take its next message.
class Timeline {
  public:
    Timeline(const Blocks& blocks, std::size_t devices);

    /// The moment at which a device is about to start its first operation for a batch.
    struct FirstOperation {
        DeviceId device;
        Nanoseconds start = 0;
        CacheRows cached_rows; ///< of the pages of all KV caches, set by set_cached_rows()
        const Rates& rates;    ///< the rates of the batch
    };
    /// Returns by how many bytes the device exceeds its memory budget at this moment. If the result
    /// is not 0, the device pages before the operation: it reads this number of bytes from its
    /// storage again.
    using Overload = std::function<Bytes(const FirstOperation&)>;

    /// Computes the times of a single turn, while no other is in progress. Returns the clock of
    /// `source`, where prompts come in, when it has the sampled id, or kNever. Without `overload`
    /// nothing is paged. Appends records to `log` if there is one. If there are `clocks`, they
    /// become the clock logs of all devices; then nothing may be paged. Throws Bug on a deadlock.
    Nanoseconds turn(
        const std::vector<Program>& programs,
        const Rates& rates,
        const TurnWork& work,
        DeviceId source,
        const Overload* overload = nullptr,
        TimelineLog* log = nullptr,
        std::vector<ClockLog>* clocks = nullptr
    );

    // The following functions are for several turns in progress at once. Each call says what the
    // source does; the other devices follow by their schedules. turn_schedule.hpp explains
    // schedules, visits, segments and keys. After each call every device has executed all tasks
    // (segments for one batch) that do not wait for a later call.

    struct Settings {
        DeviceId source;
        Overload overload{};   ///< if empty, nothing is paged
        bool detailed = false; ///< keep records of operations and messages
    };

    /// Sets the programs and phase offsets (turn_schedule.hpp) of turns that begin from now on. The
    /// programs must outlive these turns. Throws Bug if a batch is in progress.
    void install(
        const std::vector<Program>* programs, const PhaseOffsets& offsets, Settings settings
    );
    /// Sets FirstOperation::cached_rows for tasks that later calls of visit() and end() begin.
    void set_cached_rows(const CacheRows& rows) { cached_rows_ = rows; }
    /// Makes the source visit its next group of sequences and begin these batches (possibly none).
    /// Returns the number of the first batch.
    std::int64_t visit(std::vector<Batch> batches);
    /// Executes the last segment of the source's program for a batch. Returns the source's clock
    /// when the source has the batch's sampled ids. Throws Bug if the programs deadlock.
    Nanoseconds end(std::int64_t batch);
    /// Returns whether end() executes a segment. If the source's program has only one segment,
    /// end() executes none, because visit() has executed it.
    [[nodiscard]] bool has_end() const;
    /// Returns the schedule keys of the segments that a device executed in the last turn(), in the
    /// order of execution. install() clears the keys; visit() and end() record none if they are
    /// called directly.
    [[nodiscard]] const std::vector<ScheduleKey>& schedule_keys(DeviceId d) const {
        return states_[d.index()].keys;
    }
    /// Returns what each device did since the last call. Throws Bug if one waits for a message.
    [[nodiscard]] std::vector<DeviceLog> take_logs();
    /// Sets the device's clock to `time`, if the clock is earlier: the device was idle until then.
    void advance_clock(DeviceId d, Nanoseconds time);
    /// Returns the first operation and the first message that began but never end, because a rate
    /// stays 0. The result is empty if there are none.
    [[nodiscard]] const TimelineLog& endless() const { return endless_; }

    /// Computes a migration while no turn is in progress. First every clock becomes at least
    /// t_switch. Then each of `moves`, which must be in block order, sends its bytes as one
    /// message. A device sends all its messages before it receives one. Meanwhile each target loads
    /// its blocks from its storage, one after the other. When the last move ends, all clocks become
    /// that time, t_resume, which is returned. Without moves no clock changes and t_switch is
    /// returned. `log` also gets moves of 0 bytes.
    Nanoseconds migrate(
        const std::vector<Move>& moves,
        const Rates& rates,
        Nanoseconds t_switch,
        std::vector<MoveRecord>* log = nullptr,
        const MigrationFacts& facts = {}
    );

    [[nodiscard]] Nanoseconds clock(DeviceId d) const { return clocks_[d.index()]; }

  private:
    /// The sender's half of a message.
    struct Transmission {
        Nanoseconds begin = 0;
        Nanoseconds end = 0;        ///< when the link is free again
        Nanoseconds first_byte = 0; ///< when the first byte of the last transmission arrives
        std::size_t number = 0;     ///< index into the sender's ClockLog::sends, if it is recorded
        Nanoseconds arrival = 0;    ///< of the last byte if the receiver's ingress has no limit
    };

    /// A message about to be sent.
    struct Outgoing {
        DeviceId from;
        DeviceId to;
        Bytes bytes = 0;
        MediaShares shares;
        MessageKey key;
    };

    struct InFlightMessage {
        Payload payload = Payload::token;
        std::int32_t layer = -1;
        Bytes bytes = 0;
        Transmission sent;
        std::int32_t depth = 0; ///< message depth of the segment that sent it
    };

    struct RunningBatch {
        Batch batch;
        std::vector<bool> has_computed; ///< per device
    };

    /// A task that a device has not finished.
    struct PendingSegment {
        std::shared_ptr<RunningBatch> running;
        ProgramSegment segment;
        CacheRows cached_rows{};
    };

    struct DeviceState {
        const Program* program = nullptr;
        std::vector<ProgramSegment> segments;
        TurnSchedule schedule;
        std::deque<PendingSegment> pending;
        std::size_t next_instruction = 0; ///< index within the first pending segment
        std::size_t turn_in_batch = 0;    ///< index of the turn that executes next_instruction next
        /// Messages that have not been received, by sender and slot, in the order of sending.
        std::map<std::pair<DeviceId, std::int32_t>, std::deque<InFlightMessage>> inbox;
        DeviceLog log;
        std::vector<ScheduleKey> keys;
        std::int32_t depth = 0; ///< message depth of the first pending segment
        bool has_key = false;   ///< whether the key of the first pending segment is recorded
        bool is_queued = false; ///< whether the device is in ready_
    };

    void assign(DeviceId d, const std::vector<Task>& tasks);
    void enqueue(DeviceId d);
    void walk();
    void run_until_blocked(DeviceId d);
    void record_key(DeviceId d, DeviceState& state);
    bool execute(DeviceId d, DeviceState& state, const PendingSegment& pending);
    void compute(
        DeviceId d,
        DeviceState& state,
        const PendingSegment& pending,
        const Instruction& instruction,
        bool sampling_only
    );
    Nanoseconds page(DeviceId d, const PendingSegment& pending, Nanoseconds start);
    void send(
        DeviceId d,
        DeviceState& state,
        const PendingSegment& pending,
        const Instruction& instruction
    );
    bool receive(
        DeviceId d,
        DeviceState& state,
        const PendingSegment& pending,
        const Instruction& instruction
    );
    void log_pieces(DeviceId d, Nanoseconds start, const OperationCost& cost, const Rates& rates);
    void log_span(DeviceId d, const ClockSpan& span);
    void check_done(DeviceId d) const;
    [[nodiscard]] std::string waiting_text() const;
    MoveRecord complete_move(
        const Move& move, const Transmission& sent, const Rates& rates, Nanoseconds& storage_free
    );
    Transmission transmit(const Outgoing& message, const Rates& rates);
    Nanoseconds arrival_after_ingress(
        DeviceId to, const Transmission& sent, Bytes bytes, const Rates& rates
    );

    const Blocks* blocks_;
    std::size_t devices_;
    std::vector<Nanoseconds> clocks_;
    std::vector<Nanoseconds> egress_free_;
    std::vector<Nanoseconds> ingress_free_;
    std::vector<std::vector<Nanoseconds>>
        link_free_; ///< [from][to]; empty for devices that never sent

    Settings settings_;
    std::vector<DeviceState> states_;
    std::vector<DeviceId> active_; ///< devices with a program
    std::deque<DeviceId> ready_;   ///< devices that may be able to continue
    std::map<std::int64_t, std::shared_ptr<RunningBatch>> running_;
    std::int64_t batches_ = 0; ///< number of batches that have begun
    bool records_keys_ = false;
    CacheRows cached_rows_{};
    TimelineLog endless_;
    std::vector<ClockLog>* clock_logs_ = nullptr; ///< where to record clocks; nowhere if null
};

/// Returns D_inf: the time of one decode step at the given context, from the source's token id to
/// the next sampled id there. When the step starts, all devices are idle and all links free. The
/// rates of the snapshot stay constant and nothing is paged. May return kNever.
[[nodiscard]] Nanoseconds predict_inference(
    const Blocks& blocks,
    const Placement& placement,
    const Snapshot& snapshot,
    DeviceId source,
    std::int64_t context
);

/// Returns D_mig: the time from the decision to the end of the last move, at the constant rates of
/// the snapshot; 0 if nothing moves. May return kNever. moves_between() explains the arguments.
[[nodiscard]] Nanoseconds predict_migration(
    const Blocks& blocks,
    const Placement& from,
    const Placement& to,
    const Snapshot& snapshot,
    const CacheRows& rows,
    bool weights_everywhere = false
);

} // namespace headroom::scheduler
