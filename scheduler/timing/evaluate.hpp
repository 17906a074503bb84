// Predictions for one placement, and the number that policies minimise.
#pragma once

#include <cstdint>
#include <string>

#include "base/units.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// What counts of a round: its own time and its share of the time for prompts.
[[nodiscard]] Nanoseconds charged_round(
    const Problem& problem, Nanoseconds round, Nanoseconds prompts
);

/// What policies minimise, in seconds: D_mig + λ·D_inf, with aim throughput D_mig + λ·(the time of
/// a round and its share of the prompts), under cost profile `paper` D_mig + λ·D_T by
/// the paper's formulas; with a look-ahead more steps than λ count. Infinite if something never
/// ends.
[[nodiscard]] double objective(const Problem& problem, const Decision& decision);
[[nodiscard]] double objective(const Problem& problem, const Placement& placement);

/// Fills in a decision's predictions for a placement with so many turns joined (at most as many as
/// are in flight), whether it fits or not.
[[nodiscard]] Decision evaluate(
    const Problem& problem, Placement placement, std::string reason, std::int64_t batch = 1
);

} // namespace headroom::scheduler
