// Computes the predictions of a decision and the objective of policies. D_mig is the time to
// migrate, D_inf that of a decode step, and D_T is D_inf by the formula of arXiv 2505.02533.
#pragma once

#include <cstdint>

#include "base/units.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Returns D_T in seconds.
[[nodiscard]] double paper_delay_s(const Problem& problem, const Placement& placement);
/// Returns D_mig in seconds by the published formula; 0 without a previous placement.
[[nodiscard]] double paper_migration_s(const Problem& problem, const Placement& placement);
/// Returns the D_mig that a run would have; 0 without a previous placement.
[[nodiscard]] Nanoseconds predict_migration(const Problem& problem, const Placement& placement);

/// Returns `round`, the time of one turn of every sequence, plus its share of the time of pending
/// prompts, `prompts` / problem.prompt_spread_rounds(). Returns kNever if either time is kNever.
[[nodiscard]] Nanoseconds round_with_prompt_share(
    const Problem& problem, Nanoseconds round, Nanoseconds prompts
);

/// Returns the objective in seconds: D_mig + λ·D_inf, or infinity if a time is kNever. λ here is
/// problem.steps(). With Aim::throughput round_with_prompt_share() replaces D_inf. Under cost
/// profile `paper` D_T replaces D_inf, and D_mig is the published one.
[[nodiscard]] double objective(const Problem& problem, const Decision& decision);
/// Returns the objective of a placement if every turn is computed alone, without batches.
[[nodiscard]] double objective(const Problem& problem, const Placement& placement);

/// Returns a decision with all predictions for the placement, marked feasible without a check of
/// memory. `batch` (turns computed together) is lowered to the number of sequences in flight.
[[nodiscard]] Decision evaluate(
    const Problem& problem, Placement placement, std::int64_t batch = 1
);

} // namespace headroom::scheduler
