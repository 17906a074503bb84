// Policy `galaxy`: heads and FFN slices over all devices by speed (systems.md §2).
#pragma once

#include "scheduler/policy.hpp"

namespace headroom::scheduler {

class Galaxy final : public Policy {
  public:
    [[nodiscard]] std::string_view name() const override { return "galaxy"; }
    [[nodiscard]] Decision decide(const Problem& problem) const override;
};

} // namespace headroom::scheduler
