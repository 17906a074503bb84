// Policy `paper` is the published method (arXiv 2505.02533), reconstructed in paper_score.hpp and
// paper_placer.hpp. If the previous placement fits and the method finds no placement with a lower
// objective, the policy keeps the previous placement. If neither the previous placement fits nor
// the method finds one, the decision is infeasible, even though another policy may find a
// placement.
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

[[nodiscard]] Decision decide_paper(const Problem& problem);

} // namespace headroom::scheduler
