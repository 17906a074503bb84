// The judge of policy `exact`: all placements of a small problem by plain loops, and what is wrong
// with a decision that claims a bound. Knows nothing of the search: predictions are those of the
// timeline and of the paper's formulas.
#pragma once

#include <cstdint>
#include <string>

#include "scheduler/core/problem.hpp"
#include "tests/scheduler/instances/instances.hpp"

namespace headroom::scheduler::testing {

/// devices to the power of blocks.
[[nodiscard]] double placements_of(const Problem& problem);

/// The least objective over all placements that fit; infinite if none fits or none ends.
struct Optimum {
    double objective = 0;
    bool feasible = false; ///< something fits
};
[[nodiscard]] Optimum enumerate(const Problem& problem);

/// Empty, or all that the decision claims wrongly: a placement that does not fit, a bound above the
/// optimum or above its own objective, an optimum that is none, a wrong "nothing fits".
[[nodiscard]] std::string complaint(
    const Problem& problem, const Decision& decision, const Optimum& optimum
);

enum class Sort : std::uint8_t { planted, planted_paper, wild, capped, stalled, sliced };

/// A problem of that sort with at most `most` placements: previous placement or not, weights
/// everywhere, look-ahead, too little memory, gather by sum or max are drawn by the seed.
[[nodiscard]] Instance small_instance(Sort sort, std::uint64_t seed, double most);

} // namespace headroom::scheduler::testing
