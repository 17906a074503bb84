// Policy `greedy`: blocks in canonical order, each to the lowest device that has room at T + λ.
// Decides from scratch every time; knows nothing of speed.
#pragma once

#include "scheduler/policies/policy.hpp"

namespace headroom::scheduler {

class Greedy final : public Policy {
  public:
    [[nodiscard]] std::string_view name() const override { return "greedy"; }
    [[nodiscard]] Decision decide(const Problem& problem) const override;
};

} // namespace headroom::scheduler
