// The state from which a killed or interrupted run continues. It holds everything that later
// intervals (from one decision to the next) depend on, and is computed from the committed
// intervals, which the trace has in full. The caches of unfinished sequences are lost; the resumed
// run computes the caches again from the tokens, in prefill turns, which take virtual time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/units.hpp"
#include "base/wire.hpp"
#include "trace/records/trace.hpp"

namespace headroom::runtime {

struct ResumePoint {
    /// A sequence that had begun and had not ended in the committed intervals.
    struct Unfinished {
        std::int64_t sequence = 0;
        Nanoseconds begin = 0;             ///< when the sequence got its first slot
        Nanoseconds first_token = 0;       ///< when it sampled its first token; 0: not yet
        bool prompt_recorded = false;      ///< the trace contains the prompt's tokens
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
    std::int64_t intervals = 0;          ///< number of committed intervals
    std::int64_t epoch = -1;             ///< epoch of the last interval
    std::int64_t turns = 0;              ///< first turn number that is not used yet
    std::int64_t rounds = 0;             ///< first round number that is not used yet
    std::int64_t visits = 0;             ///< first visit number that is not used yet
    std::int64_t sampled = 0;            ///< number of tokens sampled in the run
    std::vector<std::int32_t> placement; ///< the last placement: device per block
    std::vector<Unfinished> unfinished;  ///< ordered by sequence
    std::vector<std::int64_t> ended;     ///< finished sequences in the order of their ends
    bool operator==(const ResumePoint&) const = default;
    static auto wire_fields(auto& m) {
        return Fields() & m.clock & m.intervals & m.epoch & m.turns & m.rounds & m.visits &
               m.sampled & m.placement & m.unfinished & m.ended;
    }
};

/// Returns the state after these intervals, which must be the first ones of a trace. Sequences that
/// a signal cut off count as unfinished.
[[nodiscard]] ResumePoint resume_point(std::span<const trace::Interval> intervals);

} // namespace headroom::runtime
