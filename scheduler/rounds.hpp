// What a placement is worth with several sequences in flight: the time of one round, found out by
// walking rounds until they repeat.
#pragma once

#include <cstdint>

#include "base/units.hpp"
#include "scheduler/problem.hpp"

namespace headroom::scheduler {

/// Time of one round in the steady state: one decode turn of every sequence in flight, each at its
/// context T + λ, `batch` consecutive ones joined; the snapshot's rates held, no paging, nobody
/// comes or ends. With one sequence D_inf. kNever possible.
[[nodiscard]] Nanoseconds predict_round(
    const Problem& problem, const Placement& placement, std::int64_t batch
);

struct RoundTimes {
    Nanoseconds round = kNever;
    Nanoseconds prompts = 0;
};

/// The same, and the time that it takes to take in the prompts of those in flight
/// (InFlight::prompt, in chunks, none of them joined with anything) beyond as many rounds
/// without them. A prompt of more than 8 chunks is walked in 8 of equal length.
[[nodiscard]] RoundTimes predict_rounds(
    const Problem& problem, const Placement& placement, std::int64_t batch
);

} // namespace headroom::scheduler
