// See exact.hpp.
#include "scheduler/policies/exact.hpp"

namespace headroom::scheduler {

Decision Exact::decide(const Problem& problem) const {
    Decision decision;
    decision.reason = "policy exact is not there yet";
    (void)problem;
    return decision;
}

} // namespace headroom::scheduler
