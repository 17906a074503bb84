// Policy `mdi_ring` splits layers by the published table of MDI-LLM. The source is the starter: it
// has embed, the first layers, the final norm and lm_head. All other devices, by increasing id, are
// secondaries with equally many consecutive layers. The decision is infeasible if the table has no
// such number of layers and devices, or if a device lacks memory. A previous placement is kept.
// Source: arXiv 2505.18164 and its repository, as recorded in
// docs/explanation/ring-pipelines.md#the-published-split.
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

[[nodiscard]] Decision decide_mdi_ring(const Problem& problem);

} // namespace headroom::scheduler
