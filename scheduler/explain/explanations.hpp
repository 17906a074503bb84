// The reasons of feasible decisions, one sentence each, which users read. Durations in them are
// predicted under the cost profile of the problem.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// The delay that a decision minimises: that of one sequence's step, or of a round of all
/// sequences.
enum class DelayScope : std::uint8_t { step, round };

/// The delays of a placement that was considered.
struct Alternative {
    Nanoseconds inference = 0; ///< time per token, or per round
    Nanoseconds migration = 0; ///< D_mig
};

/// Returns the predicted delays of a decision under the cost profile of the problem.
[[nodiscard]] Alternative alternative_of(
    const Problem& problem, const Decision& decision, DelayScope scope = DelayScope::step
);

/// Returns a text such as "1.20 ms", or "for ever" for kNever.
[[nodiscard]] std::string duration_text(Nanoseconds time);

/// Returns the reason of the first placement of a run.
[[nodiscard]] std::string reason_first(
    const Problem& problem, const Decision& decision, DelayScope scope = DelayScope::step
);
/// Returns the reason why the previous placement is kept. `alternative` is the best other placement
/// that the search evaluated, if there is one.
[[nodiscard]] std::string reason_kept(
    const Problem& problem,
    const Decision& kept,
    const std::optional<Alternative>& alternative,
    DelayScope scope = DelayScope::step
);
/// Returns the reason why blocks move. `old` is the decision to keep the previous placement; it is
/// infeasible if that placement does not fit.
[[nodiscard]] std::string reason_moved(
    const Problem& problem,
    const Decision& decision,
    const Decision& old,
    DelayScope scope = DelayScope::step
);

} // namespace headroom::scheduler
