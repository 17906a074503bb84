// The control messages of a run, and who sends them to whom. They take no virtual time. The source
// is the device where prompts come in; rank 0 hosts the controller, which calls the policy.
//
//   source -> rank 0   SourceFacts: what happened since the last decision; asks for a Command
//   rank 0 -> source   Command: continue, change the placement, or finish
//   source -> all      SourceMessage: begin turns (forward passes), free caches, report, …
//                      All devices read the same messages in the same order and derive from them
//                      what they execute (scheduler/timing/turn_schedule.hpp).
//   all -> rank 0      Report: what the device did since its last report
//   all -> rank 0      Arrivals: blocks that the device received  (only if blocks move)
//   rank 0 -> all      t_resume: when devices may compute again   (only if blocks move)
#pragma once

#include <cstdint>
#include <vector>

#include "base/units.hpp"
#include "base/wire.hpp"
#include "runtime/device/migration.hpp"
#include "runtime/device/turn.hpp"
#include "scheduler/core/blocks.hpp"

namespace headroom {

template <>
struct WireFields<scheduler::Move> {
    static auto of(auto& m) { return Fields() & m.block & m.from & m.to & m.bytes & m.loaded; }
};
template <>
struct WireFields<scheduler::OpRecord> {
    static auto of(auto& m) { return Fields() & m.device & m.block & m.start & m.end & m.turn; }
};
template <>
struct WireFields<scheduler::MessageRecord> {
    static auto of(auto& m) {
        return Fields() & m.from & m.to & m.payload & m.layer & m.bytes & m.begin & m.arrival &
               m.turn;
    }
};

} // namespace headroom

namespace headroom::runtime {

/// What the controller has decided.
struct Command {
    bool finish = false;        ///< whether the run ends
    std::int32_t exit_code = 0; ///< the run's exit code, if `finish`
    bool first = false;         ///< whether the placement is the first one of the run
    bool changed = false;       ///< whether blocks move or the batch size changes
    std::int64_t epoch = 0;     ///< serial number of the placement and batch size
    std::int64_t batch = 1;     ///< number of slots whose decode turns form one batch
    scheduler::Placement placement{};
    static auto wire_fields(auto& m) {
        return Fields() & m.finish & m.exit_code & m.first & m.changed & m.epoch & m.batch &
               m.placement;
    }
};

/// A placement and batch size that all devices put in force together, after all turns have ended.
struct Installation {
    bool first = false;
    std::int64_t epoch = 0;
    /// The decision's SourceFacts::tokens_seen. The rates of a migration depend on it too.
    std::int64_t tokens_seen = 0;
    std::int64_t batch = 1; ///< number of slots whose decode turns form one batch
    /// Time of the decision. Phase offsets (phase_offsets.hpp) are computed with the rates at this
    /// time.
    Nanoseconds t_dec = 0;
    Nanoseconds t_switch = 0; ///< start of the migration
    /// Element s is the number of cache rows of slot s, which is the same in every attention group.
    std::vector<std::int64_t> rows;
    scheduler::Placement placement;
    static auto wire_fields(auto& m) {
        return Fields() & m.first & m.epoch & m.tokens_seen & m.batch & m.t_dec & m.t_switch &
               m.rows & m.placement;
    }
};

/// The blocks that one device received in a migration.
struct Arrivals {
    Nanoseconds clock = 0; ///< the device's clock, which may be later than all arrivals
    std::vector<ArrivedBlock> blocks;
    static auto wire_fields(auto& m) { return Fields() & m.clock & m.blocks; }
};

/// A change of a sequence's text. Rank 0 passes it on to the Observer (run.hpp).
struct TextEvent {
    enum class Kind : std::int32_t { begin, token, end };
    std::int64_t sequence = 0;
    Kind kind = Kind::token;
    std::int32_t id = -1; ///< the token, if `kind` is `token`
    static auto wire_fields(auto& m) { return Fields() & m.sequence & m.kind & m.id; }
};

struct SourceMessage {
    enum class Kind : std::int32_t { visit, free_slot, report_interval, install, finish };
    Kind kind = Kind::visit;
    std::int32_t slot = 0;                ///< the slot to free, if `kind` is `free_slot`
    std::int32_t exit_code = 0;           ///< the run's exit code, if `kind` is `finish`
    std::vector<Turn> turns{};            ///< turns that begin, if `kind` is `visit`
    std::vector<TextEvent> text_events{}; ///< with any `kind`: events since the last message
    Installation installation{};          ///< the new placement, if `kind` is `install`
    static auto wire_fields(auto& m) {
        return Fields() & m.kind & m.slot & m.exit_code & m.turns & m.text_events & m.installation;
    }
};

/// A turn that has ended.
struct TurnFacts {
    Turn turn;
    Nanoseconds start = 0;
    Nanoseconds end = 0;
    static auto wire_fields(auto& m) { return Fields() & m.turn & m.start & m.end; }
};

/// A sampled token; `start` and `end` are the times of its turn.
struct TokenFacts {
    std::int64_t sequence = 0;
    std::int64_t position = 0; ///< of the token in its sequence; the prompt begins at 0
    std::int32_t id = -1;
    Nanoseconds start = 0;
    Nanoseconds end = 0;
    std::uint64_t logits_checksum = 0;
    static auto wire_fields(auto& m) {
        return Fields() & m.sequence & m.position & m.id & m.start & m.end & m.logits_checksum;
    }
};

/// A request whose sequence has ended.
struct RequestFacts {
    std::int64_t sequence = 0;
    std::int32_t slot = 0;
    /// When the request got a slot. In a resumed run a request can get a slot for the second time;
    /// then `begin` is still the time at which it got its first slot.
    Nanoseconds begin = 0;
    Nanoseconds end = 0;
    bool cut_off = false; ///< whether a signal ended the request early
    static auto wire_fields(auto& m) {
        return Fields() & m.sequence & m.slot & m.begin & m.end & m.cut_off;
    }
};

/// A request that waits because a device lacks the memory for its caches.
struct WaitFacts {
    std::int64_t sequence = 0;
    Nanoseconds at = 0; ///< when the shortage was first found
    DeviceId device;
    Bytes lacking = 0; ///< bytes that this device lacks
    static auto wire_fields(auto& m) { return Fields() & m.sequence & m.at & m.device & m.lacking; }
};

/// A sequence in flight, or a request that a free slot can take next.
struct InFlightRequest {
    std::int64_t sequence = 0;
    std::int64_t prompt = 0;  ///< number of tokens of the prompt
    std::int64_t limit = 0;   ///< largest number of tokens to sample
    std::int64_t sampled = 0; ///< number of tokens sampled so far
    std::int64_t rows = 0;    ///< number of rows in the sequence's caches
    bool admitted = false;    ///< whether the request has a slot
    // The `prompt` and `limit` of the waiting request that is expected to take the slot of this
    // request when this request ends. 0: no request waits for this slot.
    std::int64_t next_prompt = 0;
    std::int64_t next_limit = 0;
    static auto wire_fields(auto& m) {
        return Fields() & m.sequence & m.prompt & m.limit & m.sampled & m.rows & m.admitted &
               m.next_prompt & m.next_limit;
    }
};

/// Why the serving loop ends at this decision; `none` if the loop continues.
enum class StopReason : std::int32_t { none, done, interrupted };

/// What the source reports when a decision is due. `turns`, `tokens`, `ended` and `waits` hold what
/// happened since the last decision.
struct SourceFacts {
    Nanoseconds clock = 0;    ///< time of the decision (t_dec)
    Nanoseconds end = 0;      ///< when the last token was sampled
    std::int64_t sampled = 0; ///< tokens sampled in the whole run
    /// The decision sees events of the scenario that begin at so many sampled tokens or less: all
    /// of `sampled`. By the first rules (trace::kSemantics), the number before the last turn began.
    std::int64_t tokens_seen = 0;
    StopReason stop = StopReason::none;
    std::int32_t interrupt_code = 0; ///< exit code if a signal ends the run, else 0
    bool drained = false;            ///< whether all turns that began have ended
    std::int64_t waiting = 0;        ///< number of arrived requests without a slot
    /// Installation::t_switch of the last decision; 0 if that decision changed neither the
    /// placement nor the batch size.
    Nanoseconds t_switch = 0;
    Nanoseconds elapsed_wall = 0; ///< wall time since the virtual clock started
    std::vector<TurnFacts> turns;
    std::vector<TokenFacts> tokens;
    std::vector<RequestFacts> ended;
    std::vector<WaitFacts> waits;
    /// The requests that the decision is for: first the requests with a slot, then the others, in
    /// the order in which they get slots.
    std::vector<InFlightRequest> requests;
    static auto wire_fields(auto& m) {
        return Fields() & m.clock & m.end & m.sampled & m.tokens_seen & m.stop & m.interrupt_code &
               m.drained & m.waiting & m.t_switch & m.elapsed_wall & m.turns & m.tokens & m.ended &
               m.waits & m.requests;
    }
};

/// What one device did since its last report.
struct Report {
    Nanoseconds clock = 0;
    Bytes held = 0;               ///< bytes that the device holds now
    Bytes peak = 0;               ///< most bytes that the device held since its last report
    Bytes process_bytes = 0;      ///< resident memory of the rank's process
    Nanoseconds lateness_max = 0; ///< see RunOutcome (run.hpp), for this device
    TurnLog log;
    static auto wire_fields(auto& m) {
        return Fields() & m.clock & m.held & m.peak & m.process_bytes & m.lateness_max & m.log;
    }
};

} // namespace headroom::runtime
