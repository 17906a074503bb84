// Policy `exact`: the optimum, proven, or the best placement found with the bound reached.
#pragma once

#include "scheduler/policy.hpp"

namespace headroom::scheduler {

class Exact final : public Policy {
  public:
    [[nodiscard]] std::string_view name() const override { return "exact"; }
    [[nodiscard]] Decision decide(const Problem& problem) const override;
};

} // namespace headroom::scheduler
