// Policy `mdi_ring` splits layers by the published table of MDI-LLM. The source (the device where
// prompts come in, called the starter by MDI-LLM) has embed, the first layers, the final norm and
// lm_head. All other devices, by increasing id, have equally many consecutive layers each. The
// decision is infeasible if the table has no entry for these numbers of layers and devices, or if a
// device lacks memory. The policy decides once: later decisions keep the first placement, or are
// infeasible if it no longer fits. The table is from arXiv 2505.18164 and its repository, see
// docs/explanation/ring-pipelines.md#the-published-split.
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

[[nodiscard]] Decision decide_mdi_ring(const Problem& problem);

} // namespace headroom::scheduler
