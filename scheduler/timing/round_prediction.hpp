// Predicts the time of a round (one turn of every sequence in flight), by simulating rounds until
// they repeat, and the additional time for prompts that have still to be processed.
#pragma once

#include <cstdint>

#include "base/units.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

struct RoundTimes {
    /// The time of one decode turn of every sequence in flight.
    Nanoseconds round = kNever;
    /// The additional time until all pending prompts are processed, compared with as many rounds in
    /// which every sequence decodes.
    Nanoseconds prompts = 0;
};

/// Returns the times in the steady state: every sequence is at its context T + λ, the turns of each
/// `batch` consecutive sequences are computed together, the rates of the snapshot stay constant,
/// nothing is paged, and no sequence begins or ends. The prompts (InFlight::prompt) are processed
/// in chunks, which are never joined with other turns; a prompt of more than 8 chunks counts as 8
/// equal chunks. Times may be kNever. Throws Bug if batch < 1.
[[nodiscard]] RoundTimes predict_rounds(
    const Problem& problem, const Placement& placement, std::int64_t batch
);

} // namespace headroom::scheduler
