// See round_robin.hpp.
#include "scheduler/policies/round_robin.hpp"

#include "scheduler/construct/first_fit.hpp"

namespace headroom::scheduler {

Decision RoundRobin::decide(const Problem& problem) const {
    return first_fit(problem, in_turn);
}

} // namespace headroom::scheduler
