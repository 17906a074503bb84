// See keep.hpp.
#include "scheduler/policies/keep.hpp"

#include "scheduler/policies/block_cost.hpp"
#include "scheduler/policies/ledger.hpp"

namespace headroom::scheduler {

Decision keep_previous(const Problem& problem) {
    if (!problem.previous || Ledger(problem, *problem.previous).shortage() > 0) {
        return {};
    }
    Placement settled = *problem.previous;
    settle_ends(problem, settled);
    if (settled != *problem.previous) {
        return {}; // a pinned block is not where it belongs
    }
    return evaluate(problem, *problem.previous, "");
}

} // namespace headroom::scheduler
