// The batch size: the number of turns that are joined. If the problem leaves it open
// (Problem::batch = 0), these functions choose it, in the same way for every policy.
#pragma once

#include <cstdint>
#include <vector>

#include "scheduler/core/problem.hpp"
#include "scheduler/cost/round_estimates.hpp"

namespace headroom::scheduler {

/// Returns the batch sizes to choose from, ascending: the one of the problem, but at most the
/// number of sequences in flight. If the problem leaves it open: 1, 2, 4, … and all sequences.
[[nodiscard]] std::vector<std::int64_t> batches_of(const Problem& problem);

/// Returns estimates of the round for each batch size, the shortest first, and of equal ones the
/// smallest batch first. Precondition: `batches` is ascending.
[[nodiscard]] std::vector<RoundEstimate> guess_rounds(
    const Problem& problem, const Placement& placement, const std::vector<std::int64_t>& batches
);

/// Returns evaluate() with the batch size whose predicted round, with its share of the prompts
/// (round_with_prompt_share), is shortest; of equal ones the smallest. In large problems only the
/// two sizes with the shortest estimates are predicted. `known` is the result of guess_rounds, if
/// the caller has it.
[[nodiscard]] Decision evaluate_batched(
    const Problem& problem, Placement placement, const std::vector<RoundEstimate>* known = nullptr
);

/// Adds batch size and rounds to a decision for the step of one sequence (one_step).
[[nodiscard]] Decision with_rounds(const Problem& problem, Decision decision);

/// Returns the decision with the best batch size for its placement.
[[nodiscard]] Decision batched(
    const Problem& problem, Decision decision, const std::vector<RoundEstimate>* known = nullptr
);

} // namespace headroom::scheduler
