// Policy `paper`: the published method (arXiv 2505.02533), reconstructed; see paper_score.hpp and
// paper_placer.hpp. Keeps the old placement if that fits and moving would not lower the objective.
// Unlike the other policies it gives up where its own method finds nothing.
#pragma once

#include "scheduler/policies/policy.hpp"

namespace headroom::scheduler {

class Paper final : public Policy {
  public:
    [[nodiscard]] std::string_view name() const override { return "paper"; }
    [[nodiscard]] Decision decide(const Problem& problem) const override;
};

} // namespace headroom::scheduler
