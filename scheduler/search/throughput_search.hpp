// The decision of resource_aware for several sequences in flight: the least D_mig + steps·round,
// with the best number of joined turns.
//
// The candidates are the placement with the least latency of one sequence, the previous placement,
// pipelines of whole layers and of blocks, and the ends of descents from the most promising of
// these, which use the estimates of RoundModel. The predicted round (predict_rounds) decides
// between them, so the objective of the result is never above those of policy `ring` and of the
// placement for latency. In large problems a prediction takes milliseconds. Candidates whose
// estimates are more than 6 % above the best are not predicted then; estimates are within 2 % of
// rounds that repeat.
#pragma once

#include <optional>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// The same problem with one sequence that has the longest's context and the memory of all: what
/// decides a step by itself need not walk any rounds.
[[nodiscard]] Problem one_step(const Problem& problem);

struct RoundDecision {
    Decision decision;                ///< without an explanation
    std::optional<Decision> given_up; ///< the previous placement that fits, if it is left
};

/// Returns the decision with the least objective. `latency` is the decision for the step of one
/// sequence, feasible or not; it is returned if no placement that fits is found. `keeps` says
/// whether the previous placement still fits.
[[nodiscard]] RoundDecision decide_for_throughput(
    const Problem& problem, const Decision& latency, bool keeps
);

} // namespace headroom::scheduler
