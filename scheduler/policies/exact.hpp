// Policy `exact` finds an optimal placement and proves it, or returns the best placement found and
// a lower bound of the objective. The method is branch and bound over all placements that
// validate() accepts. It works on sets of placements, called boxes (exact/domain.hpp). A box has a
// range for the number of groups (or slices) on each device, and the devices that may have proj,
// ffn or hub (the hosts). A relaxation (exact/relaxation.hpp) gives the lower bound of a box. In
// each search node, the relaxation is solved for the groups (or slices) of one layer and one pair
// of hosts, which takes about 2 µs with five devices. Problem::node_limit limits the number of
// nodes. The first pass over the layers is not counted, because without it there is no bound to
// return.
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Starts from the decision of resource_aware and ends at the optimum or at problem.node_limit. In
/// both cases Decision::bound is a lower bound for all feasible placements. If Decision::proven is
/// true, no placement is feasible, or no feasible placement is better than the returned one by more
/// than a tolerance. Under cost profile `physical` the tolerance is one nanosecond, or 10^-12 of
/// the objective if the objective is above 1000 s. Under `paper` it is 10^-9 of the objective.
/// Every returned placement has passed validate(). The relaxation covers neither fleets of more
/// than 32 devices nor Reduce::ring; in both cases the function returns the decision of
/// resource_aware with bound 0. It can happen that a step never ends under any feasible placement,
/// because a device or a link is down. Then the function keeps the previous placement if that is
/// feasible. With several sequences the function minimises the step of one sequence, within the
/// memory that the caches of all sequences leave. That proves nothing about rounds (one turn of
/// every sequence), so for Aim::throughput the bound is 0.
[[nodiscard]] Decision decide_exact(const Problem& problem);

} // namespace headroom::scheduler
