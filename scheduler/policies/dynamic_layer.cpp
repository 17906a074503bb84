// See dynamic_layer.hpp.
#include "scheduler/policies/dynamic_layer.hpp"

namespace headroom::scheduler {

Decision DynamicLayer::decide(const Problem& problem) const {
    Decision decision;
    decision.reason = "policy dynamic_layer is not there yet";
    (void)problem;
    return decision;
}

} // namespace headroom::scheduler
