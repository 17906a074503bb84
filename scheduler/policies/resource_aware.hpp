// Policy `resource_aware` minimises D_mig + λ·D_inf (under cost profile `paper` D_mig + λ·D_T) over
// the placements that fit at T + λ. It is a local search from several initial placements. In small
// fleets a limited branch and bound of policy `exact` improves the result. The policy uses only
// safe memory if a placement fits in it. Its decision is never worse than keeping the previous
// placement, if that fits in the same memory; it proves no bound. With Aim::throughput and several
// sequences it minimises D_mig + λ·(the time of a round), see throughput_search.hpp.
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

[[nodiscard]] Decision decide_resource_aware(const Problem& problem);

} // namespace headroom::scheduler
