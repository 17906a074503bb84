// Policy `mdi_ring`: the published layer table (systems.md §3).
#pragma once

#include "scheduler/policy.hpp"

namespace headroom::scheduler {

class MdiRing final : public Policy {
  public:
    [[nodiscard]] std::string_view name() const override { return "mdi_ring"; }
    [[nodiscard]] Decision decide(const Problem& problem) const override;
};

} // namespace headroom::scheduler
