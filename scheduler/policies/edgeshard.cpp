// See edgeshard.hpp.
#include "scheduler/policies/edgeshard.hpp"

#include <fmt/format.h>

namespace headroom::scheduler {

Decision EdgeShard::decide(const Problem& problem) const {
    Decision decision;
    decision.reason = fmt::format("policy {} is not there yet", name());
    (void)problem;
    return decision;
}

} // namespace headroom::scheduler
