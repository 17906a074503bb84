// Policy `dynamic_layer` places whole layers and decides again at each interval. It minimises D_mig
// + λ·D_inf over the assignments of layers to devices that fit; embed and lm_head are on the
// source. The result is optimal for few layers and devices, otherwise the best result of a search
// with a limited number of evaluations (layer_search.hpp). It is never worse than keeping the
// previous placement. In fleets of more than 32 devices only the fastest devices and those in use
// are considered. Source: docs/explanation/baselines.md.
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

[[nodiscard]] Decision decide_dynamic_layer(const Problem& problem);

} // namespace headroom::scheduler
