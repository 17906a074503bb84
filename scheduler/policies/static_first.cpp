#include "scheduler/policies/static_first.hpp"

#include "scheduler/explain/keep_previous.hpp"
#include "scheduler/policies/resource_aware.hpp"

namespace headroom::scheduler {

Decision StaticFirst::decide(const Problem& problem) const {
    return problem.previous ? keep_first_placement(problem) : ResourceAware().decide(problem);
}

} // namespace headroom::scheduler
