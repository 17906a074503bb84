// Computes the predictions of a decision and the objective of policies. D_mig is the time to
// migrate. D_inf is the time of a decode step in a run, and D_T is the time of a decode step by the
// formula of arXiv 2505.02533.
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

/// Returns the time of a round (one turn of every sequence) with a share of the time of pending
/// prompts: `round` + `prompts` / problem.prompt_spread_rounds(). `round` and `prompts` are those
/// of RoundTimes (round_prediction.hpp). Returns kNever if either time is kNever.
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
/// memory. `batch` is the number of turns that are computed together; it is clamped to the range
/// from 1 to the number of sequences in flight.
[[nodiscard]] Decision evaluate(
    const Problem& problem, Placement placement, std::int64_t batch = 1
);

} // namespace headroom::scheduler
