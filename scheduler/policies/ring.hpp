// Policy `ring`: contiguous layers on a ring of devices, split by speed, for any number of layers
// and devices. What MDI-LLM's ring (arXiv 2505.18164,
// docs/explanation/ring-pipelines.md#its-limits) lacks: uneven shares, any count, memory. Static: a
// previous placement is kept.
//
// The ring begins at the source, the starter, which has embed, its first layers (possibly none),
// final norm and lm_head; the others follow in the order of devices, and those that would only slow
// it down are left out. Among splits within memory: the shortest slowest stage, which is what
// sequences in flight wait for, computing or a hop's occupancy; then the least latency. Exact for
// the given order (up to 32 devices; of more, the fastest are looked at, see layer_costs.hpp).
#pragma once

#include "scheduler/policies/policy.hpp"

namespace headroom::scheduler {

class Ring final : public Policy {
  public:
    [[nodiscard]] std::string_view name() const override { return "ring"; }
    [[nodiscard]] Decision decide(const Problem& problem) const override;
};

} // namespace headroom::scheduler
