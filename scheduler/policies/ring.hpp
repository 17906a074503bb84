// Policy `ring`: layers on a ring, split by speed, any number of devices.
#pragma once

#include "scheduler/policy.hpp"

namespace headroom::scheduler {

class Ring final : public Policy {
  public:
    [[nodiscard]] std::string_view name() const override { return "ring"; }
    [[nodiscard]] Decision decide(const Problem& problem) const override;
};

} // namespace headroom::scheduler
