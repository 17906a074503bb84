// Policy `static`: resource_aware's first placement, kept for ever, even when it no longer fits.
// The reference for what re-deciding is worth.
#pragma once

#include "scheduler/policies/policy.hpp"

namespace headroom::scheduler {

class StaticFirst final : public Policy {
  public:
    [[nodiscard]] std::string_view name() const override { return "static"; }
    [[nodiscard]] Decision decide(const Problem& problem) const override;
};

} // namespace headroom::scheduler
