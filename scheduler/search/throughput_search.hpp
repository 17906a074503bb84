// Decides for policy `resource_aware` with several sequences in flight: looks for the placement and
// batch size with the least D_mig + steps·round (a round is one turn of every sequence).
//
// The candidates are the placement with the least latency of one sequence, the previous placement,
// pipelines of whole layers and of blocks, and the results of a local search, by the estimates of
// RoundModel, from the most promising of these. Of all candidates the one with the least predicted
// objective (predict_rounds) is taken, so the result is never worse than that of policy `ring` or
// the placement for latency. In large problems a prediction takes milliseconds; there, candidates
// whose estimates are more than 6 % above the best are not predicted (the estimate of a round that
// repeats is within 2 %).
#pragma once

#include <optional>

#include "scheduler/core/problem.hpp"
#include "scheduler/search/statistics.hpp"

namespace headroom::scheduler {

/// Returns the problem with one sequence, which has the context of the longest one and needs the
/// cache memory of all. Policies that minimise one step use it, as they need not predict rounds.
[[nodiscard]] Problem one_step(const Problem& problem);

struct RoundDecision {
    Decision decision;                ///< without an explanation
    std::optional<Decision> given_up; ///< the previous placement, if it fits but is given up
};

/// Returns the decision with the least objective. `latency` is the decision that minimises the step
/// of one sequence, feasible or not; it is returned if no placement is found to fit. `keeps` says
/// whether the previous placement still fits.
[[nodiscard]] RoundDecision decide_for_throughput(
    const Problem& problem, const Decision& latency, bool keeps, const SearchObserver* observer
);

} // namespace headroom::scheduler
