// Cost profile `paper` as a mixed-integer linear programme, for a solver that has nothing to do
// with this project (GLPK). The formulas are written from
// docs/explanation/head-level-partitioning.md once more and share nothing with
// scheduler/paper_costs, the policies or the enumeration.
#pragma once

#include <optional>
#include <string>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler::testing {

/// For tests of the programme itself: one coefficient of it times a factor.
struct MilpMistake {
    enum class Where { none, head_compute, gather, proj_to_ffn, migration, memory, budget };
    Where where = Where::none;
    double factor = 1.0;
};

/// The least D_mig + λ·Σ D_T in seconds over all placements that fit; nothing if none does.
/// Heads of a layer are counted, per device:
///   n_lj heads (integer), p_lj proj and f_lj ffn (0 or 1), Σ_j n_lj = H, Σ_j p_lj = Σ_j f_lj = 1;
///   T_l ≥ n_lj·c_head/C_j                        the slowest device's heads;
///   y_ljk ≥ 0, Σ_k y_ljk = n_lj, y_ljk ≤ H·p_lk  heads on j whose proj is on k: the gather;
///   z_ljk ≥ 0, Σ_k z_ljk = p_lj, Σ_j z_ljk = f_lk  proj on j and ffn on k;
///   w_lij ≥ 0, Σ_j w_lij = heads that were on i, Σ_i w_lij = n_lj  heads that go from i to j;
///   memory over all layers per device, compute per layer and device.
/// Precondition: cost profile and granularity `paper`, gather by the sum, no ends, one query head
/// per cache head, no rate of 0. Throws Bug if GLPK fails.
[[nodiscard]] std::optional<double> milp_optimum(
    const Problem& problem, const MilpMistake& mistake = {}
);

} // namespace headroom::scheduler::testing
