// Policy `resource_aware`: minimises the cost profile's objective, D_mig + λ·D_inf or the paper's
// D_mig + λ·D_T, over placements that fit at T + λ, by local search with exact evaluation from
// several starts, in small fleets refined by a stretch of `exact`'s branch and bound. Within safe
// memory where something fits. Never worse than keeping the old placement, if that fits there.
// It reports no bound. With aim throughput and several sequences in flight it minimises
// D_mig + λ·round instead, see throughput_search.hpp.
#pragma once

#include "scheduler/policies/policy.hpp"

namespace headroom::scheduler {

class ResourceAware final : public Policy {
  public:
    [[nodiscard]] std::string_view name() const override { return "resource_aware"; }
    [[nodiscard]] Decision decide(const Problem& problem) const override;
    [[nodiscard]] bool chooses_batch() const override { return true; }
};

} // namespace headroom::scheduler
