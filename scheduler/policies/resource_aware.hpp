// Policy `resource_aware` minimises D_mig + λ·D_inf, the delay of migrating plus that of λ decode
// steps (under cost profile `paper` D_T, the published formula, replaces D_inf), over the
// placements that fit in memory at context T + λ. The method is local search from several initial
// placements. In small fleets a limited branch and bound of policy `exact` improves the result. The
// policy leaves a reserve of each device's memory unused (Problem::safe_memory) unless no placement
// fits without it. The decision is never worse than keeping the previous placement, if the previous
// one fits in the memory that is used. The policy proves no bound. With Aim::throughput and several
// sequences it minimises D_mig + λ·(the time of a round, which is one turn of every sequence), see
// throughput_search.hpp.
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

[[nodiscard]] Decision decide_resource_aware(const Problem& problem);

} // namespace headroom::scheduler
