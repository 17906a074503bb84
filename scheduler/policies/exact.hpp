// Policy `exact` finds an optimal placement and proves it, or returns the best placement found and
// a lower bound. It is a branch and bound over all placements that validate() accepts, in boxes of
// group counts and hosts (exact/domain.hpp). The bound of a box comes from the relaxation in
// exact/relaxation.hpp. A search node is one relaxed distribution of the groups (or slices) of one
// layer for one pair of hosts; it takes about 2 µs with five devices. Problem::node_limit limits
// the number of nodes. The first pass over the layers is not counted, because without it there is
// no bound.
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Starts from the decision of resource_aware and ends at the optimum or at problem.node_limit.
/// In both cases Decision::bound is a lower bound for all feasible placements. Decision::proven
/// means that no placement is feasible, or that no feasible placement is better than this one
/// by more than a tolerance. Under cost profile `physical` the tolerance is one nanosecond
/// (10^-12 of objectives above 1000 s), under `paper` 10^-9 of the objective. Every placement
/// that is returned has been checked with validate() and evaluate(). In fleets of more than 32
/// devices and with ring reductions the decision of resource_aware is returned with bound 0. If
/// no placement ever finishes a token, the previous placement is kept if it fits. With several
/// sequences the step of one sequence is minimised within the memory of all; for
/// Aim::throughput this proves nothing, so the bound is 0.
[[nodiscard]] Decision decide_exact(const Problem& problem);

} // namespace headroom::scheduler
