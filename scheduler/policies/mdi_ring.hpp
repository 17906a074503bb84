// Policy `mdi_ring`: the layer split that MDI-LLM publishes, exactly. Source: arXiv 2505.18164 and
// its repository, as recorded in docs/explanation/ring-pipelines.md#the-published-split. Static: a
// previous placement is kept.
//
// The source is the starter: embed, its first layers, final norm, lm_head. The other devices, in
// their order, are the secondaries with equally many consecutive layers each. All devices of the
// fleet take part. Layer or device counts outside the table, and devices without the memory, are
// infeasible, as they are there.
#pragma once

#include "scheduler/policies/policy.hpp"

namespace headroom::scheduler {

class MdiRing final : public Policy {
  public:
    [[nodiscard]] std::string_view name() const override { return "mdi_ring"; }
    [[nodiscard]] Decision decide(const Problem& problem) const override;
};

} // namespace headroom::scheduler
