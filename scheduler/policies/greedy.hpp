// Policy `greedy` puts each block, in canonical order, on the device with the lowest id that has
// room for it at T + λ. It regards neither the previous placement nor the speed of devices.
#pragma once

#include "scheduler/policies/policy.hpp"

namespace headroom::scheduler {

class Greedy final : public Policy {
  public:
    [[nodiscard]] std::string_view name() const override { return "greedy"; }
    [[nodiscard]] Decision decide(const Problem& problem) const override;
};

} // namespace headroom::scheduler
