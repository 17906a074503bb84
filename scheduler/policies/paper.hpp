// Policy `paper` is the published method (arXiv 2505.02533), reconstructed in paper_score.hpp and
// paper_placer.hpp. The previous placement is kept if it fits and the method finds no placement
// with a lower objective. If the previous placement does not fit and the method finds none, the
// decision is infeasible, even though another policy may find a placement.
#pragma once

#include "scheduler/policies/policy.hpp"

namespace headroom::scheduler {

class Paper final : public Policy {
  public:
    [[nodiscard]] std::string_view name() const override { return "paper"; }
    [[nodiscard]] Decision decide(const Problem& problem) const override;
};

} // namespace headroom::scheduler
