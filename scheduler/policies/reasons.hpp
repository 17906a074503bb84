// What policies tell people about their decisions, in one sentence. Durations are those of the cost
// profile by which was decided.
#pragma once

#include <optional>
#include <string>

#include "scheduler/problem.hpp"

namespace headroom::scheduler {

/// A placement that would have moved something: its time per token and its D_mig.
struct Alternative {
    Nanoseconds inference = 0;
    Nanoseconds migration = 0;
};

[[nodiscard]] Alternative alternative_of(const Problem& problem, const Decision& decision);

/// The first placement of a run.
[[nodiscard]] std::string reason_first(const Problem& problem, const Decision& decision);
/// Nothing moves; `alternative` is the best placement met that would have moved something.
[[nodiscard]] std::string reason_kept(
    const Problem& problem, const Decision& kept, const std::optional<Alternative>& alternative
);
/// Blocks move; `old` is what keeping the previous placement would have given.
[[nodiscard]] std::string reason_moved(
    const Problem& problem, const Decision& decision, const Decision& old
);

} // namespace headroom::scheduler
