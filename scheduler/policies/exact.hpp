// Policy `exact`: the optimum, proven, or the best placement found with the bound reached.
//
// What is searched: all placements that validate() accepts, as boxes of group counts and hosts
// (exact/domain.hpp). What bounds a box: the relaxation whose proof stands in exact/relaxation.hpp.
// A node is one relaxed pool: the groups (or slices) of one layer distributed for one pair of
// hosts, about 2 µs with five devices. Problem::node_limit counts them, except those of the first
// pass over the layers, without which there is no bound at all.
#pragma once

#include "scheduler/policies/policy.hpp"

namespace headroom::scheduler {

class Exact final : public Policy {
  public:
    [[nodiscard]] std::string_view name() const override { return "exact"; }

    /// The search begins at resource_aware's answer and ends at the optimum or at
    /// problem.node_limit. Decision::bound holds for all feasible placements either way. `proven`:
    /// in profile `physical` no feasible placement is better by a nanosecond (objectives above
    /// 1000 s: by 10^-12 of it), in profile `paper` none by more than 10^-9 of it, or none is
    /// feasible at all. What it claims does not rest on the search's own arithmetic alone:
    /// validate() and evaluate() have the last word on every placement. Fleets of more than 32
    /// devices and ring reductions are not bounded: resource_aware's answer, bound 0.
    /// Where no placement ever ends, the previous placement stays if it fits.
    /// Of several sequences it minimises one's step within the memory of all; with aim throughput
    /// that is no optimum: bound 0, not proven.
    [[nodiscard]] Decision decide(const Problem& problem) const override;
    [[nodiscard]] bool chooses_batch() const override { return true; }
};

} // namespace headroom::scheduler
