// Policy `ring` splits contiguous layers over a ring of devices by their speed, for any number of
// layers and devices. A previous placement is kept. Source: the ring of arXiv 2505.18164, without
// the limits in docs/explanation/ring-pipelines.md#its-limits.
//
// The ring begins at the source, which has embed, the first layers (possibly none), the final norm
// and lm_head. The devices with higher ids follow, then those with lower ids, each by increasing
// id; a device without layers is left out. Of all splits that fit in memory, the policy takes one
// whose slowest stage is fastest. A stage is the computing of one device or the transfer of one
// hop. Of equal splits it takes the one with the least latency. The result is exact for this order
// of devices. In fleets of more than 32 devices only the fastest are considered (layer_costs.hpp).
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

[[nodiscard]] Decision decide_ring(const Problem& problem);

} // namespace headroom::scheduler
