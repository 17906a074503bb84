// See keep.hpp.
#include "scheduler/policies/keep.hpp"

#include "scheduler/policies/ledger.hpp"

namespace headroom::scheduler {

Decision keep_previous(const Problem& problem) {
    if (!problem.previous || Ledger(problem, *problem.previous).shortage() > 0) {
        return {};
    }
    return evaluate(problem, *problem.previous, "");
}

} // namespace headroom::scheduler
