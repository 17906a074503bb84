// What a placement is worth with several sequences in flight: the time of one round, found out by
// walking rounds until they repeat, and what the prompts ahead take.
#pragma once

#include <cstdint>

#include "base/units.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

struct RoundTimes {
    /// One decode turn of every sequence in flight.
    Nanoseconds round = kNever;
    /// For taking in the prompts ahead, beyond as many rounds without them.
    Nanoseconds prompts = 0;
};

/// In the steady state, each sequence at its context T + λ, `batch` consecutive turns joined; the
/// snapshot's rates held, no paging, nobody comes or ends. With one sequence the round is D_inf.
/// Prompts (InFlight::prompt) go in by chunks, none of them joined with anything; one of more than
/// 8 chunks is walked in 8 of equal length. kNever possible.
[[nodiscard]] RoundTimes predict_rounds(
    const Problem& problem, const Placement& placement, std::int64_t batch
);

} // namespace headroom::scheduler
