// The state from which a killed or interrupted run continues. It contains everything that the later
// course of the run depends on. The state is computed from the committed intervals (from one
// decision to the next), which the trace has in full. The caches of unfinished sequences are lost.
// The resumed run computes them again from the tokens, in prefill turns (forward passes), which
// take virtual time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/units.hpp"
#include "base/wire.hpp"
#include "trace/records/trace.hpp"

namespace headroom::runtime {

struct ResumePoint {
    /// A sequence that began but did not end in the committed intervals: they have a turn or a
    /// token of it.
    struct Unfinished {
        std::int64_t sequence = 0;
        Nanoseconds begin = 0;             ///< start of its first turn
        Nanoseconds first_token = 0;       ///< when it sampled its first token; 0: not yet
        bool prompt_recorded = false;      ///< whether the trace has the prompt's tokens
        std::vector<std::int32_t> sampled; ///< its sampled tokens
        std::uint64_t last_logits = 0;     ///< checksum of the logits of the last sampled token
        bool operator==(const Unfinished&) const = default;
        static auto wire_fields(auto& m) {
            return Fields() & m.sequence & m.begin & m.first_token & m.prompt_recorded & m.sampled &
                   m.last_logits;
        }
    };

    /// Virtual clock of all devices at the end of the last interval.
    Nanoseconds clock = 0;
    std::int64_t intervals = 0; ///< number of committed intervals
    /// IntervalRow::epoch (the number of the placement) of the last committed interval; -1: there
    /// is no interval.
    std::int64_t epoch = -1;
    /// Number that the next turn gets: 1 + the largest turn number in the intervals.
    std::int64_t turns = 0;
    std::int64_t rounds = 0;             ///< 1 + the largest round number
    std::int64_t visits = 0;             ///< 1 + the largest visit number
    std::int64_t sampled = 0;            ///< number of tokens sampled in the run
    std::vector<std::int32_t> placement; ///< the last placement: device per block
    std::vector<Unfinished> unfinished;  ///< ordered by `sequence`
    std::vector<std::int64_t> ended;     ///< finished sequences, in the order of their ends
    /// The rules of time of the run (trace::kSemantics), which it keeps. resume_point() does not
    /// know them.
    std::int64_t semantics = trace::kPresentSemantics;
    bool operator==(const ResumePoint&) const = default;
    static auto wire_fields(auto& m) {
        return Fields() & m.clock & m.intervals & m.epoch & m.turns & m.rounds & m.visits &
               m.sampled & m.placement & m.unfinished & m.ended & m.semantics;
    }
};

/// Returns the state after these intervals, which must be the first ones of a trace. Sequences that
/// a signal has cut off count as unfinished.
[[nodiscard]] ResumePoint resume_point(std::span<const trace::Interval> intervals);

} // namespace headroom::runtime
