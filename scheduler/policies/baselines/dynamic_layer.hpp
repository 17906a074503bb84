// Policy `dynamic_layer` places whole layers and decides again every λ tokens. Among the
// assignments of layers to devices that fit in memory it minimises D_mig + λ·D_inf, the time to
// migrate plus the time of λ decode steps. embed and lm_head are on the source, the device where
// prompts come in. For few layers and devices the result is optimal; otherwise it is the best that
// a search with a limited number of candidates finds (layers/assignment_search.hpp). The decision
// is never worse than keeping the previous placement. In fleets of more than 32 devices the search
// considers only the fastest devices and, for each layer, the one that holds most of its blocks in
// the previous placement; at most 256 in all. See docs/explanation/baselines.md.
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

[[nodiscard]] Decision decide_dynamic_layer(const Problem& problem);

} // namespace headroom::scheduler
