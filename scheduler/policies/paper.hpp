// Policy `paper` is the published method (arXiv 2505.02533), reconstructed in paper_score.hpp and
// paper_placer.hpp. If the previous placement fits and the method finds no placement with a lower
// objective, the policy keeps the previous placement. If the previous placement does not fit and
// the method finds no placement that fits, the decision is infeasible, even if another policy would
// find a placement. Granularity `sliced` is refused, because the method knows no slices.
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

[[nodiscard]] Decision decide_paper(const Problem& problem);

} // namespace headroom::scheduler
