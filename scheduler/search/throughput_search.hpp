// What resource_aware decides when all sequences in flight count: the least D_mig + steps·round,
// with the number of joined turns that goes with it.
//
// Candidates: the placement for the least latency of one sequence, the previous one, pipelines of
// whole layers and of blocks, and what descents under the estimate of round_model find from the
// most promising of these. The exact prediction of the round decides between them, so the answer's
// objective is never above that of policy `ring`, nor above the latency placement's. In large
// problems, where a walk of scattered blocks takes milliseconds, candidates that are more than 6 %
// worse by their guess are not walked; guesses are within 2 % of rounds that repeat.
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

/// `latency`: the decision for one sequence's step, feasible or not; `keeps`: the previous
/// placement still fits. The answer is `latency` if nothing that fits is found.
[[nodiscard]] RoundDecision decide_for_throughput(
    const Problem& problem, const Decision& latency, bool keeps
);

} // namespace headroom::scheduler
