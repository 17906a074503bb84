// Policy `round_robin`: block i to device i mod N, or to the next device that has room at T + λ.
// Decides from scratch every time; knows nothing of speed.
#pragma once

#include "scheduler/policies/policy.hpp"

namespace headroom::scheduler {

class RoundRobin final : public Policy {
  public:
    [[nodiscard]] std::string_view name() const override { return "round_robin"; }
    [[nodiscard]] Decision decide(const Problem& problem) const override;
};

} // namespace headroom::scheduler
