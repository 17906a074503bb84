// How many turns a placement joins into one operation. A problem may leave that open
// (Problem::batch = 0); then it is chosen here, for every policy alike.
#pragma once

#include <cstdint>
#include <vector>

#include "scheduler/core/problem.hpp"
#include "scheduler/cost/round_estimates.hpp"

namespace headroom::scheduler {

/// The numbers to choose from, ascending: what the problem says, at most as many as are in flight;
/// if it leaves that open 1, 2, 4, … and all of them.
[[nodiscard]] std::vector<std::int64_t> batches_of(const Problem& problem);

/// What rounds would take with each of these batches, the shortest first, of equals the smallest
/// batch. `batches` ascending.
[[nodiscard]] std::vector<RoundEstimate> guess_rounds(
    const Problem& problem, const Placement& placement, const std::vector<std::int64_t>& batches
);

/// evaluate() with the number of joined turns whose predicted round is shortest, with its share of
/// the prompts (round_with_prompt_share), of equals the smallest. In large problems only the two
/// with the shortest estimates are walked; `known`: what guess_rounds says, if somebody has asked
/// it before.
[[nodiscard]] Decision evaluate_batched(
    const Problem& problem, Placement placement, const std::vector<RoundEstimate>* known = nullptr
);

/// A decision made for one sequence's step (throughput_search.hpp: one_step), with its rounds.
[[nodiscard]] Decision with_rounds(const Problem& problem, Decision decision);

/// The same for a decision that is made but for its batch.
[[nodiscard]] Decision batched(
    const Problem& problem, Decision decision, const std::vector<RoundEstimate>* known = nullptr
);

} // namespace headroom::scheduler
