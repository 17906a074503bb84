// The optimum under cost profile `paper` by the solver GLPK, as the solution of a mixed-integer
// linear program. Its formulas follow docs/explanation/head-level-partitioning.md and share no code
// with the library or with the enumeration.
#pragma once

#include <optional>
#include <string>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler::testing {

/// A deliberate fault for tests of the program: the factor multiplies the coefficients named
/// `where`.
struct MilpMistake {
    enum class Where { none, head_compute, gather, proj_to_ffn, migration, memory, budget };
    Where where = Where::none;
    double factor = 1.0;
};

/// Returns the least D_mig + λ·Σ D_T in seconds over all placements that fit, or nothing if none
/// fits. The variables of layer l and devices i, j, k, with their constraints, are:
///   n_lj heads on j (integer), p_lj proj on j, f_lj ffn on j (0 or 1): Σ_j n_lj = H,
///     Σ_j p_lj = Σ_j f_lj = 1;
///   T_l, the time of the slowest device's heads: T_l ≥ n_lj·c_head/C_j;
///   y_ljk heads on j if proj is on k (for the gather): Σ_k y_ljk = n_lj, y_ljk ≤ H·p_lk;
///   z_ljk proj on j and ffn on k: Σ_k z_ljk = p_lj, Σ_j z_ljk = f_lk;
///   w_lij heads that move from i to j: Σ_j w_lij = heads that were on i, Σ_i w_lij = n_lj.
/// Memory is limited per device over all layers, compute per layer and device.
/// Throws Bug if GLPK fails, and unless cost profile and granularity are `paper`, the gather is a
/// sum, there are no ends, and every K/V head has one query head. Precondition: no rate is 0.
[[nodiscard]] std::optional<double> milp_optimum(
    const Problem& problem, const MilpMistake& mistake = {}
);

} // namespace headroom::scheduler::testing
