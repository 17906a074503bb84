// What policies tell people about their decisions, in one sentence. Durations are those of the cost
// profile by which was decided.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// What a decision was about: the delay of one sequence's step, or of a round of all in flight.
enum class Of : std::uint8_t { step, round };

/// A placement that would have moved something: its time per token or round, and its D_mig.
struct Alternative {
    Nanoseconds inference = 0;
    Nanoseconds migration = 0;
};

[[nodiscard]] Alternative alternative_of(
    const Problem& problem, const Decision& decision, Of of = Of::step
);

/// "1.20 ms", or "for ever".
[[nodiscard]] std::string duration_text(Nanoseconds time);

/// The first placement of a run.
[[nodiscard]] std::string reason_first(
    const Problem& problem, const Decision& decision, Of of = Of::step
);
/// Nothing moves; `alternative` is the best placement met that would have moved something.
[[nodiscard]] std::string reason_kept(
    const Problem& problem,
    const Decision& kept,
    const std::optional<Alternative>& alternative,
    Of of = Of::step
);
/// Blocks move; `old` is what keeping the previous placement would have given.
[[nodiscard]] std::string reason_moved(
    const Problem& problem, const Decision& decision, const Decision& old, Of of = Of::step
);

} // namespace headroom::scheduler
