// See static_first.hpp.
#include "scheduler/policies/static_first.hpp"

#include <fmt/format.h>

#include "scheduler/policies/keep.hpp"
#include "scheduler/policies/resource_aware.hpp"
#include "scheduler/policies/shortages.hpp"

namespace headroom::scheduler {

Decision StaticFirst::decide(const Problem& problem) const {
    if (!problem.previous) {
        return ResourceAware().decide(problem);
    }
    Decision decision = keep_previous(problem);
    decision.reason = decision.feasible ? "the first placement is kept"
                                        : fmt::format(
                                              "the first placement is kept, but at context {} {}",
                                              problem.horizon(),
                                              lacking_devices(problem, *problem.previous)
                                          );
    return decision;
}

} // namespace headroom::scheduler
