// Control messages between controller, source and devices. They take no virtual time.
//
//   rank 0 -> all     Command: install this placement (or finish)
//   all -> rank 0     Migrated: what arrived here            (only if blocks move)
//   rank 0 -> all     t_resume                               (only if blocks move)
//   source -> all     TurnNote: the next turn, or the end of the interval
//   all -> rank 0     Report: what happened here in the interval
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/units.hpp"
#include "runtime/migration.hpp"
#include "runtime/turn.hpp"
#include "scheduler/blocks.hpp"

namespace headroom::runtime {

struct Command {
    bool finish = false;
    std::int32_t exit_code = 0; ///< with finish
    bool first = false;
    bool begins = false; ///< a sequence: caches are emptied before anything else
    bool moved = false;
    std::int64_t epoch = 0;
    std::int64_t sequence = 0;
    std::int64_t sampled = 0; ///< in the whole run
    std::int64_t rows = 0;    ///< cache rows that move with a group
    Nanoseconds t_switch = 0;
    scheduler::Placement placement;
};

/// How an interval ended: after λ tokens, with its sequence, or with the run.
enum class Stop : std::int32_t { no, sequence_ended, interrupted };

struct TurnNote {
    bool end = false; ///< of the interval; then `turn` is void
    Turn turn;
    std::int32_t last_id = -1; ///< sampled by the turn before, for rank 0 to show; -1: none
};

struct SampledNote {
    std::int64_t position = 0; ///< in the sequence, prompt included
    std::int32_t id = -1;
    Nanoseconds start = 0;
    Nanoseconds end = 0;
    std::uint64_t logits_checksum = 0;
};

struct Report {
    Nanoseconds clock = 0;
    Bytes held = 0;
    Bytes peak = 0;
    Bytes process_bytes = 0; ///< resident set of the rank
    Nanoseconds lateness_max = 0;
    Nanoseconds elapsed_wall = 0; ///< since clock zero
    TurnLog log;
    // From the source only:
    Stop stop = Stop::no;
    std::int32_t interrupt_code = 0; ///< exit code that a signal asked for
    std::vector<SampledNote> sampled;
};

[[nodiscard]] std::vector<std::byte> pack(const Command& command);
[[nodiscard]] Command unpack_command(std::span<const std::byte> bytes);
[[nodiscard]] std::vector<std::byte> pack(const std::vector<Arrived>& arrived);
[[nodiscard]] std::vector<Arrived> unpack_arrived(std::span<const std::byte> bytes);
[[nodiscard]] std::vector<std::byte> pack(const Report& report);
[[nodiscard]] Report unpack_report(std::span<const std::byte> bytes);

} // namespace headroom::runtime
