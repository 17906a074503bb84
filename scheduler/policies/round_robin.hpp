// Policy `round_robin` puts block i on device i mod N, or on the next device that has room for it
// at T + λ. It regards neither the previous placement nor the speed of devices.
#pragma once

#include "scheduler/policies/policy.hpp"

namespace headroom::scheduler {

class RoundRobin final : public Policy {
  public:
    [[nodiscard]] std::string_view name() const override { return "round_robin"; }
    [[nodiscard]] Decision decide(const Problem& problem) const override;
};

} // namespace headroom::scheduler
