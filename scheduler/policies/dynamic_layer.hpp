// Policy `dynamic_layer`: whole layers, re-placed at each decision (systems.md §2).
#pragma once

#include "scheduler/policy.hpp"

namespace headroom::scheduler {

class DynamicLayer final : public Policy {
  public:
    [[nodiscard]] std::string_view name() const override { return "dynamic_layer"; }
    [[nodiscard]] Decision decide(const Problem& problem) const override;
};

} // namespace headroom::scheduler
