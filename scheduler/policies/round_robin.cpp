#include "scheduler/policies/round_robin.hpp"

#include "scheduler/construct/first_fit.hpp"

namespace headroom::scheduler {

Decision RoundRobin::decide(const Problem& problem) const {
    return first_fit(problem, start_at_next);
}

} // namespace headroom::scheduler
