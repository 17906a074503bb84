// Chooses the batch size, the number of turns (of different sequences) that are computed together,
// if the problem leaves it open (Problem::batch = 0). The choice is the same for every policy.
#pragma once

#include <cstdint>
#include <vector>

#include "scheduler/core/problem.hpp"
#include "scheduler/cost/round_estimates.hpp"

namespace headroom::scheduler {

/// Returns the batch sizes to choose from, ascending. If the problem leaves the size open, these
/// are 1, 2, 4, … and the number of sequences in flight. Otherwise the problem's size is the only
/// one, cut to that number.
[[nodiscard]] std::vector<std::int64_t> batches_of(const Problem& problem);

/// Returns an estimate of the round (one turn of every sequence in flight) for each batch size,
/// shortest round first; of equal rounds the smaller batch is first. Precondition: `batches` is
/// ascending.
[[nodiscard]] std::vector<RoundEstimate> guess_rounds(
    const Problem& problem, const Placement& placement, const std::vector<std::int64_t>& batches
);

/// Returns whether the problem is so large that only the batch size with the shortest estimate is
/// predicted.
[[nodiscard]] bool predicts_one_batch(const Problem& problem);

/// Evaluates the placement with the batch size whose round, with its share of the prompts
/// (round_with_prompt_share), is predicted to be shortest. In large problems only a few sizes with
/// the shortest estimates are predicted. `known` has these estimates (guess_rounds) or is null.
[[nodiscard]] Decision evaluate_batched(
    const Problem& problem, Placement placement, const std::vector<RoundEstimate>* known = nullptr
);

/// Adds batch size and predicted round to a decision for one_step(problem), a single sequence.
[[nodiscard]] Decision with_rounds(const Problem& problem, Decision decision);

/// Returns the decision with the best batch size for its placement.
[[nodiscard]] Decision batched(
    const Problem& problem, Decision decision, const std::vector<RoundEstimate>* known = nullptr
);

} // namespace headroom::scheduler
