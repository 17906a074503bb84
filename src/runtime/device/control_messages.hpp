// Control messages between controller, source and devices. They take no virtual time.
//
//   source -> rank 0   SourceFacts: what it did since the last decision; it wants the next one
//   rank 0 -> source   Command: go on, change the placement, or finish
//   source -> all      Note: a visit, caches to give back, a mark, a placement to install, the end.
//   All devices read the same notes in the same
//                      order, and what they execute follows from it
//                      (scheduler/timing/turn_schedule.hpp).
//   all -> rank 0      Report: what happened here up to a mark
//   all -> rank 0      Arrivals: blocks that came                (only if blocks move)
//   rank 0 -> all      t_resume                                  (only if blocks move)
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/units.hpp"
#include "runtime/device/migration.hpp"
#include "runtime/device/turn.hpp"
#include "scheduler/core/blocks.hpp"

namespace headroom::runtime {

/// What the controller decided.
struct Command {
    bool finish = false;
    std::int32_t exit_code = 0; ///< with finish
    bool first = false;
    bool changed = false; ///< blocks move, or another number of turns is joined
    std::int64_t epoch = 0;
    std::int64_t batch = 1; ///< turns joined into one operation
    scheduler::Placement placement;
};

/// A command that is carried out: nothing is under way.
struct Installation {
    bool first = false;
    std::int64_t epoch = 0;
    std::int64_t seen = 0;  ///< tokens of the run that the last begun turn saw
    std::int64_t batch = 1; ///< turns joined into one operation
    Nanoseconds t_dec = 0;  ///< turns are staggered by the rates then
    Nanoseconds t_switch = 0;
    std::vector<std::int64_t> rows; ///< per slot: cache rows that move with a group
    scheduler::Placement placement;
};

/// One device's end of a migration.
struct Arrivals {
    Nanoseconds clock = 0; ///< its own: it may have had work after the last id was sampled
    std::vector<Arrived> blocks;
};

/// What rank 0 shows of a sequence.
struct ShownToken {
    enum class Kind : std::int32_t { begin, token, end };
    std::int64_t sequence = 0;
    Kind kind = Kind::token;
    std::int32_t id = -1;
};

struct Note {
    enum class Kind : std::int32_t { visit, free_slot, mark, install, finish };
    Kind kind = Kind::visit;
    std::int32_t slot = 0;         ///< free_slot
    std::int32_t exit_code = 0;    ///< finish
    std::vector<Turn> turns;       ///< visit: that begin
    std::vector<ShownToken> shown; ///< since the note before
    Installation installation;     ///< install
};

/// A turn that the source is done with.
struct TurnFacts {
    Turn turn;
    Nanoseconds start = 0;
    Nanoseconds end = 0;
};

struct SampledNote {
    std::int64_t sequence = 0;
    std::int64_t position = 0; ///< in the sequence, prompt included
    std::int32_t id = -1;
    Nanoseconds start = 0;
    Nanoseconds end = 0;
    std::uint64_t logits_checksum = 0;
};

/// A request that was given a slot, or that has ended.
struct RequestFacts {
    std::int64_t sequence = 0;
    std::int32_t slot = 0;
    Nanoseconds begin = 0;
    Nanoseconds end = 0;
    bool cut = false; ///< by an interrupt: the text is not over
};

/// A request that had to wait because a device lacked the memory for its cache.
struct WaitFacts {
    std::int64_t sequence = 0;
    Nanoseconds at = 0; ///< when that was first found
    DeviceId device;
    Bytes lacking = 0;
};

/// A sequence in flight, or the next one that a free slot can take.
struct Flight {
    std::int64_t sequence = 0;
    std::int64_t prompt = 0;
    std::int64_t limit = 0;   ///< of sampled tokens
    std::int64_t sampled = 0; ///< so far
    std::int64_t rows = 0;    ///< in its caches
    bool admitted = false;
    /// Of a request that has come and waits for such a slot; 0: none does.
    std::int64_t next_prompt = 0;
    std::int64_t next_limit = 0;
};

/// How the source stopped for a decision.
enum class Stop : std::int32_t { no, done, interrupted };

/// What the source tells at a decision.
struct SourceFacts {
    Nanoseconds clock = 0;    ///< t_dec
    Nanoseconds end = 0;      ///< when the last token before it was sampled
    std::int64_t sampled = 0; ///< tokens of the whole run
    std::int64_t seen = 0;    ///< of them, by the last begun turn
    Stop stop = Stop::no;
    std::int32_t interrupt_code = 0; ///< exit code that a signal asked for
    bool drained = false;            ///< no turn is under way
    std::int64_t waiting = 0;        ///< requests that have come and have no slot
    Nanoseconds t_switch = 0;     ///< of the last change, if there was one since the last decision
    Nanoseconds elapsed_wall = 0; ///< since clock zero
    std::vector<TurnFacts> turns;
    std::vector<SampledNote> tokens;
    std::vector<RequestFacts> ended;
    std::vector<WaitFacts> waits;
    std::vector<Flight> flights; ///< admitted ones first, then in the order of admission
};

/// One device up to a mark.
struct Report {
    Nanoseconds clock = 0;
    Bytes held = 0;
    Bytes peak = 0;
    Bytes process_bytes = 0; ///< resident set of the rank
    Nanoseconds lateness_max = 0;
    TurnLog log;
};

[[nodiscard]] std::vector<std::byte> pack(const Command& command);
[[nodiscard]] Command unpack_command(std::span<const std::byte> bytes);
[[nodiscard]] std::vector<std::byte> pack(const Note& note);
[[nodiscard]] Note unpack_note(std::span<const std::byte> bytes);
[[nodiscard]] std::vector<std::byte> pack(const Arrivals& arrivals);
[[nodiscard]] Arrivals unpack_arrivals(std::span<const std::byte> bytes);
[[nodiscard]] std::vector<std::byte> pack(const SourceFacts& facts);
[[nodiscard]] SourceFacts unpack_source_facts(std::span<const std::byte> bytes);
[[nodiscard]] std::vector<std::byte> pack(const Report& report);
[[nodiscard]] Report unpack_report(std::span<const std::byte> bytes);

} // namespace headroom::runtime
