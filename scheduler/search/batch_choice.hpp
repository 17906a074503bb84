// Chooses the batch size, the number of turns (of different sequences) that are computed together,
// if the problem leaves it open (Problem::batch = 0). The choice is the same for every policy.
#pragma once

#include <cstdint>
#include <vector>

#include "scheduler/core/problem.hpp"
#include "scheduler/cost/round_estimates.hpp"

namespace headroom::scheduler {

/// Returns the batch sizes to choose from, ascending. If the problem leaves the size open, they are
/// 1, 2, 4, … and the number of sequences in flight; otherwise there is one, the problem's, but at
/// most that number.
[[nodiscard]] std::vector<std::int64_t> batches_of(const Problem& problem);

/// Returns an estimate of the round for each batch size: the shortest round first, and of equal
/// ones the smaller batch. Precondition: `batches` is ascending.
[[nodiscard]] std::vector<RoundEstimate> guess_rounds(
    const Problem& problem, const Placement& placement, const std::vector<std::int64_t>& batches
);

/// Returns evaluate() with the batch size whose predicted round, with its share of the prompts
/// (round_with_prompt_share), is shortest; of equal ones the smallest. In large problems only the
/// two sizes with the shortest estimates are predicted. `known`: the result of guess_rounds, or
/// null.
[[nodiscard]] Decision evaluate_batched(
    const Problem& problem, Placement placement, const std::vector<RoundEstimate>* known = nullptr
);

/// Adds the batch size and the predicted rounds to a decision for one_step(problem).
[[nodiscard]] Decision with_rounds(const Problem& problem, Decision decision);

/// Returns the decision with the best batch size for its placement.
[[nodiscard]] Decision batched(
    const Problem& problem, Decision decision, const std::vector<RoundEstimate>* known = nullptr
);

} // namespace headroom::scheduler
