// Policy `resource_aware` minimises D_mig + λ·D_inf, the time to migrate plus the time of the λ
// decode steps until the next decision, over the placements that fit in memory until then. Under
// cost profile `paper` D_T, the step's time by the published formula, replaces D_inf. The method is
// local search from several initial placements, and a limited branch and bound whose relaxations
// give further starts (search/relaxation_search.hpp). The answers of the other policies are
// candidates, too, so that the policy is never behind one of them. In very large problems they are
// left out.
//
// The policy leaves a reserve of each device's memory unused (Problem::safe_memory). If it finds no
// placement in this way, it searches again and may use half of the reserve. If it finds none again,
// it searches with all memory. The previous placement is a candidate if it fits in all memory, so
// the decision is never worse than keeping it. With Aim::throughput and several sequences the time
// of a round (one turn of every sequence) replaces D_inf, see search/throughput_search.hpp.
#pragma once

#include "scheduler/core/problem.hpp"
#include "scheduler/search/statistics.hpp"

namespace headroom::scheduler {

[[nodiscard]] Decision decide_resource_aware(const Problem& problem);
/// Does the same with searches that the observer takes part in; it may be null.
[[nodiscard]] Decision decide_resource_aware(
    const Problem& problem, const SearchObserver* observer
);

} // namespace headroom::scheduler
