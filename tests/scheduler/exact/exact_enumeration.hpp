// Checks policy `exact`: tries all placements of a small problem with the timeline and the paper's
// formulas, and says what is wrong with a decision that claims a bound. It uses no code of the
// search.
#pragma once

#include <cstdint>
#include <string>

#include "scheduler/core/problem.hpp"
#include "tests/scheduler/instances/instances.hpp"

namespace headroom::scheduler::testing {

/// Returns devices^blocks.
[[nodiscard]] double placement_count(const Problem& problem);

/// The least objective in seconds over all placements that fit. It is infinite if none fits or if
/// every step never ends.
struct Optimum {
    double objective = 0;
    bool feasible = false; ///< at least one placement fits
};
[[nodiscard]] Optimum find_optimum(const Problem& problem);

/// Returns all false claims of a decision, or an empty text. They are: a placement that does not
/// fit, a bound above the optimum or above its own objective, a proven objective that is not the
/// optimum, or that nothing fits although something does.
[[nodiscard]] std::string complaint(
    const Problem& problem, const Decision& decision, const Optimum& optimum
);

/// Which generator makes the problem: planted_instance with cost profile `physical` or `paper`, or
/// wild_instance with no option, caps, stalls or slices.
enum class InstanceKind : std::uint8_t { planted, planted_paper, wild, capped, stalled, sliced };

/// Returns a problem of that kind with at most max_placements placements. The seed also decides on
/// weights everywhere, look-ahead, less memory, and on the sum or the maximum for the gather.
[[nodiscard]] Instance varied_small_instance(
    InstanceKind kind, std::uint64_t seed, double max_placements
);

} // namespace headroom::scheduler::testing
