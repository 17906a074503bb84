// Policy `dynamic_layer`: whole layers, placed anew at each decision with migration charged: the
// least D_mig + λ·D_inf over assignments of layers to devices that fit
// (docs/explanation/baselines.md). Exact for a few layers and devices, else the best that a counted
// search finds (layer_search.hpp); never worse than staying. A device may hold layers that do not
// follow each other. embed and lm_head are on the source. In a fleet of more than 32 devices the
// fastest and those in use are looked at.
#pragma once

#include "scheduler/policies/policy.hpp"

namespace headroom::scheduler {

class DynamicLayer final : public Policy {
  public:
    [[nodiscard]] std::string_view name() const override { return "dynamic_layer"; }
    [[nodiscard]] Decision decide(const Problem& problem) const override;
};

} // namespace headroom::scheduler
