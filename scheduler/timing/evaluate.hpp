// Computes the predicted times of a decision, and the objective that policies minimise. D_inf is
// the time of a decode step, D_mig the time to migrate, and D_T is D_inf by the published formula.
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

/// Returns a decision for the placement with all its predictions, marked as feasible without a
/// check of memory. `batch`, the number of turns per batch, is limited to the sequences in flight.
[[nodiscard]] Decision evaluate(
    const Problem& problem, Placement placement, std::int64_t batch = 1
);

} // namespace headroom::scheduler
