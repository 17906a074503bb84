#include "scheduler/policies/baselines/simple.hpp"

#include "scheduler/construct/first_fit.hpp"
#include "scheduler/explain/keep_previous.hpp"
#include "scheduler/policies/resource_aware.hpp"

namespace headroom::scheduler {

Decision decide_greedy(const Problem& problem) {
    return first_fit(problem, start_at_lowest);
}

Decision decide_round_robin(const Problem& problem) {
    return first_fit(problem, start_at_next);
}

Decision decide_static_first(const Problem& problem) {
    return problem.previous ? keep_first_placement(problem) : decide_resource_aware(problem);
}

} // namespace headroom::scheduler
