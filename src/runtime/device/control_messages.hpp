// The control messages of a run, which take no virtual time, and who sends them to whom. The source
// is the device where prompts come in; rank 0 hosts the controller.
//
//   source -> rank 0   SourceFacts: what happened since the last decision; asks for the next one
//   rank 0 -> source   Command: continue, change the placement, or finish
//   source -> all      SourceMessage: begin turns, free caches, report, install, finish.
//                      All devices read the same messages in the same order and derive from them
//                      what they execute (scheduler/timing/turn_schedule.hpp).
//   all -> rank 0      Report: what the device did since its last report
//   all -> rank 0      Arrivals: blocks that the device received  (only if blocks move)
//   rank 0 -> all      t_resume                                   (only if blocks move)
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

/// A decision of the controller.
struct Command {
    bool finish = false;        ///< the run ends
    std::int32_t exit_code = 0; ///< the run's exit code, if `finish`
    bool first = false;         ///< the placement is the first one
    bool changed = false;       ///< blocks move, or the batch size changes
    std::int64_t epoch = 0;
    std::int64_t batch = 1; ///< number of slots whose decode turns form one batch
    scheduler::Placement placement{};
    static auto wire_fields(auto& m) {
        return Fields() & m.finish & m.exit_code & m.first & m.changed & m.epoch & m.batch &
               m.placement;
    }
};

/// A placement and batch size that all devices put in force together, while no turn is under way.
struct Installation {
    bool first = false;
    std::int64_t epoch = 0;
    std::int64_t tokens_seen = 0; ///< tokens sampled in the run when the last turn began
    std::int64_t batch = 1;       ///< number of slots whose decode turns form one batch
    Nanoseconds t_dec = 0;        ///< time of the decision; phase_offsets.hpp takes the rates at it
    Nanoseconds t_switch = 0;     ///< start of the migration
    std::vector<std::int64_t> rows; ///< per slot: number of cache rows of each attention group
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

/// A change in the text of a sequence, which rank 0 shows to the observer.
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
    std::vector<TextEvent> text_events{}; ///< any `kind`: events since the previous message
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
    std::int64_t position = 0; ///< counted from the begin of the prompt
    std::int32_t id = -1;
    Nanoseconds start = 0;
    Nanoseconds end = 0;
    std::uint64_t logits_checksum = 0;
    static auto wire_fields(auto& m) {
        return Fields() & m.sequence & m.position & m.id & m.start & m.end & m.logits_checksum;
    }
};

/// A request that has ended.
struct RequestFacts {
    std::int64_t sequence = 0;
    std::int32_t slot = 0;
    Nanoseconds begin = 0; ///< when the request got its slot
    Nanoseconds end = 0;
    bool cut_off = false; ///< a signal ended the request before its last token
    static auto wire_fields(auto& m) {
        return Fields() & m.sequence & m.slot & m.begin & m.end & m.cut_off;
    }
};

/// A request that waits because a device lacks the memory for its caches.
struct WaitFacts {
    std::int64_t sequence = 0;
    Nanoseconds at = 0; ///< when the shortage was first found
    DeviceId device;
    Bytes lacking = 0;
    static auto wire_fields(auto& m) { return Fields() & m.sequence & m.at & m.device & m.lacking; }
};

/// A sequence in flight, or a request that a free slot can take next.
struct InFlightRequest {
    std::int64_t sequence = 0;
    std::int64_t prompt = 0;  ///< tokens of the prompt
    std::int64_t limit = 0;   ///< largest number of sampled tokens
    std::int64_t sampled = 0; ///< tokens sampled so far
    std::int64_t rows = 0;    ///< rows in its caches
    bool admitted = false;    ///< the request has a slot
    /// The sizes of a waiting request that can take the slot next; 0: no request waits.
    std::int64_t next_prompt = 0;
    std::int64_t next_limit = 0;
    static auto wire_fields(auto& m) {
        return Fields() & m.sequence & m.prompt & m.limit & m.sampled & m.rows & m.admitted &
               m.next_prompt & m.next_limit;
    }
};

/// Why the serving loop ends at this decision; `none` if the loop continues.
enum class StopReason : std::int32_t { none, done, interrupted };

/// What the source reports at a decision. `turns`, `tokens`, `ended` and `waits` hold what happened
/// since the last decision.
struct SourceFacts {
    Nanoseconds clock = 0;        ///< time of the decision (t_dec)
    Nanoseconds end = 0;          ///< when the last token was sampled
    std::int64_t sampled = 0;     ///< tokens sampled in the whole run
    std::int64_t tokens_seen = 0; ///< tokens sampled before the last turn began
    StopReason stop = StopReason::none;
    std::int32_t interrupt_code = 0; ///< exit code that a signal asked for
    bool drained = false;            ///< no turn is under way
    std::int64_t waiting = 0;        ///< requests that have arrived and have no slot
    Nanoseconds t_switch = 0;        ///< t_switch of the installation since the last decision, or 0
    Nanoseconds elapsed_wall = 0;    ///< wall time since the virtual clock started
    std::vector<TurnFacts> turns;
    std::vector<TokenFacts> tokens;
    std::vector<RequestFacts> ended;
    std::vector<WaitFacts> waits;
    /// The requests that the decision is for: first those with a slot, then those without one in
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
    Bytes held = 0;
    Bytes peak = 0;
    Bytes process_bytes = 0; ///< resident memory of the rank's process
    Nanoseconds lateness_max = 0;
    TurnLog log;
    static auto wire_fields(auto& m) {
        return Fields() & m.clock & m.held & m.peak & m.process_bytes & m.lateness_max & m.log;
    }
};

} // namespace headroom::runtime
