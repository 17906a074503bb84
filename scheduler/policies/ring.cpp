// See ring.hpp.
#include "scheduler/policies/ring.hpp"

namespace headroom::scheduler {

Decision Ring::decide(const Problem& problem) const {
    Decision decision;
    decision.reason = "policy ring is not there yet";
    (void)problem;
    return decision;
}

} // namespace headroom::scheduler
