// See caution.hpp.
#include "scheduler/policies/caution.hpp"

#include <utility>

namespace headroom::scheduler {

Problem forgetful(Problem problem) {
    problem.least_memory.clear();
    return problem;
}

std::optional<Problem> cautious(const Problem& problem) {
    std::optional<Problem> careful;
    for (std::size_t d = 0; d < problem.least_memory.size(); ++d) {
        if (problem.least_memory[d] < problem.snapshot.devices[d].memory) {
            careful = careful ? std::move(careful) : forgetful(problem);
            careful->snapshot.devices[d].memory = problem.least_memory[d];
        }
    }
    return careful;
}

} // namespace headroom::scheduler
