// Where a run goes on that was broken off: everything that its later intervals depend on, and no
// more. What the devices held is lost; the caches of sequences that were in flight are computed
// again from their tokens, in turns like those of prompts, and charged like those.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/units.hpp"
#include "trace/records/trace.hpp"

namespace headroom::runtime {

struct ResumePoint {
    /// A sequence that had begun and had not ended. Its tokens: of what was committed.
    struct Open {
        std::int64_t sequence = 0;
        Nanoseconds begin = 0;       ///< when it was given its first slot
        Nanoseconds first_token = 0; ///< 0: it had none
        bool prompt_told = false;    ///< its prompt stands in the trace
        std::vector<std::int32_t> sampled;
        std::uint64_t last_logits = 0; ///< checksum of those that the last of them was chosen from
        bool operator==(const Open&) const = default;
    };

    Nanoseconds clock = 0;      ///< of all devices; when the last committed interval was over
    std::int64_t intervals = 0; ///< committed
    std::int64_t epoch = -1;    ///< of the last of them
    std::int64_t turns = 0;     ///< the first number that is free, as below
    std::int64_t rounds = 0;
    std::int64_t visits = 0;
    std::int64_t sampled = 0;            ///< tokens of the run
    std::vector<std::int32_t> placement; ///< the last one, device per block
    std::vector<Open> open;              ///< by sequence
    std::vector<std::int64_t> ended;     ///< sequences, in the order of their ends
    bool operator==(const ResumePoint&) const = default;
};

/// After these intervals, the first of a trace. What an interrupt cut off counts as open.
[[nodiscard]] ResumePoint resume_point(std::span<const trace::Interval> intervals);

} // namespace headroom::runtime
