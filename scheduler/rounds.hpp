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

} // namespace headroom::scheduler
