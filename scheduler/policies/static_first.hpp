// Policy `static` keeps the first placement of resource_aware. If that placement does not fit any
// more, its decisions are infeasible. A comparison with it shows what migration is worth.
#pragma once

#include "scheduler/policies/policy.hpp"

namespace headroom::scheduler {

class StaticFirst final : public Policy {
  public:
    [[nodiscard]] std::string_view name() const override { return "static"; }
    [[nodiscard]] Decision decide(const Problem& problem) const override;
};

} // namespace headroom::scheduler
