// See galaxy.hpp.
#include "scheduler/policies/galaxy.hpp"

namespace headroom::scheduler {

Decision Galaxy::decide(const Problem& problem) const {
    Decision decision;
    decision.reason = "policy galaxy is not there yet";
    (void)problem;
    return decision;
}

} // namespace headroom::scheduler
