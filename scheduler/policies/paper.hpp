// Policy `paper` is the published method (arXiv 2505.02533), reconstructed in paper_score.hpp and
// paper_placer.hpp. If the method finds no placement with a lower objective than the previous one,
// the policy keeps the previous placement. If that does not fit and the method finds no placement,
// the decision is infeasible, even though another policy may find one.
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

[[nodiscard]] Decision decide_paper(const Problem& problem);

} // namespace headroom::scheduler
