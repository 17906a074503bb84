// Policy `ring` gives each device of a ring consecutive layers, and faster devices more of them. It
// decides once: later decisions keep the first placement, or are infeasible if it no longer fits.
// The ring is that of MDI-LLM (arXiv 2505.18164), but any number of layers and devices is possible:
// the limits of MDI-LLM (docs/explanation/ring-pipelines.md#its-limits) do not apply.
//
// The ring begins at the source (the device where prompts come in), which has embed, the first
// layers (possibly none), the final norm and lm_head. The devices with higher ids than the source
// follow, then those with lower ids, each by increasing id. Every device but the source is left out
// of the ring if it gets no layers. Of all splits that fit in memory, the policy takes one whose
// slowest stage takes the least time. A stage is the computing of one device, with the handling of
// its messages, or the transfer from one device to the next. Of equally good splits the policy
// takes the one with the least latency. The result is optimal for this order of devices. In fleets
// of more than 32 devices only the fastest are considered.
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

[[nodiscard]] Decision decide_ring(const Problem& problem);

} // namespace headroom::scheduler
