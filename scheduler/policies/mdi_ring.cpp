// See mdi_ring.hpp.
#include "scheduler/policies/mdi_ring.hpp"

namespace headroom::scheduler {

Decision MdiRing::decide(const Problem& problem) const {
    Decision decision;
    decision.reason = "policy mdi_ring is not there yet";
    (void)problem;
    return decision;
}

} // namespace headroom::scheduler
