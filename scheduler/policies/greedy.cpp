#include "scheduler/policies/greedy.hpp"

#include "scheduler/construct/first_fit.hpp"

namespace headroom::scheduler {

Decision Greedy::decide(const Problem& problem) const {
    return first_fit(problem, start_at_lowest);
}

} // namespace headroom::scheduler
