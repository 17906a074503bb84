// Computes the predictions of a decision, and the objective that policies minimise. D_inf is the
// time of a decode step, D_mig the time to migrate, and D_T the published counterpart of D_inf.
#pragma once

#include <cstdint>

#include "base/units.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Return the published D_T and D_mig of a placement, in seconds, and the D_mig that is predicted
/// for the execution. Without a previous placement D_mig is 0.
[[nodiscard]] double paper_delay_s(const Problem& problem, const Placement& placement);
[[nodiscard]] double paper_migration_s(const Problem& problem, const Placement& placement);
[[nodiscard]] Nanoseconds predict_migration(const Problem& problem, const Placement& placement);

/// Returns the time of a round (one turn of every sequence) plus its share of the prompts: prompts
/// / problem.prompt_spread_rounds(). Returns kNever if either time is kNever.
[[nodiscard]] Nanoseconds round_with_prompt_share(
    const Problem& problem, Nanoseconds round, Nanoseconds prompts
);

/// Returns the objective in seconds, or infinity. It is D_mig + λ·D_inf, but with Aim::throughput
/// D_mig + λ·round_with_prompt_share(), and under cost profile `paper` D_mig + λ·D_T by the paper's
/// formulas. λ here is problem.steps().
[[nodiscard]] double objective(const Problem& problem, const Decision& decision);
/// Returns the objective of a placement with batches of one turn.
[[nodiscard]] double objective(const Problem& problem, const Placement& placement);

/// Returns a decision for the placement with all its predictions. The decision is marked as
/// feasible without a check of memory. `batch` is lowered to the number of sequences in flight.
[[nodiscard]] Decision evaluate(
    const Problem& problem, Placement placement, std::int64_t batch = 1
);

} // namespace headroom::scheduler
