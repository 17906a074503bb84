// Policy `resource_aware` minimises D_mig + λ·D_inf, the time to migrate plus the time of the λ
// decode steps until the next decision, over the placements that fit in memory until then. Under
// cost profile `paper` D_T, the step's time by the published formula, replaces D_inf. The method is
// local search from several initial placements; in small fleets a limited branch and bound of
// policy `exact` improves the result. The policy leaves a reserve of each device's memory unused
// (Problem::safe_memory). If it finds no placement in this way, it searches again and may use half
// of the reserve. If it finds none again, it searches with all memory. If the previous placement
// fits in the memory that the last of these searches uses, the decision is never worse than keeping
// the previous placement. With Aim::throughput and several sequences the time of a round (one turn
// of every sequence) replaces D_inf, see search/throughput_search.hpp.
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

[[nodiscard]] Decision decide_resource_aware(const Problem& problem);

} // namespace headroom::scheduler
