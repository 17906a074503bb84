// Predicts the time of a round (one turn, which is one forward pass, of every sequence in flight),
// by simulating rounds until two in a row take the same time. Also predicts how much time is added
// by prompts that are still to be processed.
#pragma once

#include <cstdint>

#include "base/units.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

struct RoundTimes {
    /// The time of one decode turn of every sequence in flight.
    Nanoseconds round = kNever;
    /// The time that pending prompts add. If the prompts are processed within n rounds, it is the
    /// time of these n rounds minus the time of n rounds in which every sequence decodes.
    Nanoseconds prompts = 0;
};

/// Returns the times if no sequence begins or ends, the rates of the snapshot stay constant and all
/// memory suffices. The turns of each `batch` consecutive sequences are computed together. Every
/// sequence decodes at the context that it has at the next decision, T + λ tokens. The prompts
/// (InFlight::prompt) are processed in chunks, each of which is computed alone; a prompt of more
/// than 8 chunks is simulated as 8 larger chunks, to limit the number of rounds. If a turn never
/// ends because a device or link is down, RoundTimes::round is kNever. Throws Bug if batch < 1.
[[nodiscard]] RoundTimes predict_rounds(
    const Problem& problem, const Placement& placement, std::int64_t batch
);

} // namespace headroom::scheduler
