#include "scheduler/search/memory_headroom.hpp"

#include <utility>

namespace headroom::scheduler {

Problem careless(Problem problem) {
    problem.safe_memory.clear();
    return problem;
}

std::optional<Problem> cautious(const Problem& problem, Risk risk) {
    std::optional<Problem> careful;
    for (std::size_t d = 0; d < problem.safe_memory.size(); ++d) {
        const Bytes all = problem.snapshot.devices[d].memory;
        const Bytes unsafe = all - problem.safe_memory[d];
        if (unsafe > 0) {
            careful = careful ? std::move(careful) : careless(problem);
            careful->snapshot.devices[d].memory = all - (risk == Risk::half ? unsafe / 2 : unsafe);
        }
    }
    if (careful) {
        for (const Snapshot::Device& device : problem.snapshot.devices) {
            careful->safe_memory.push_back(device.memory);
        }
    }
    return careful;
}

} // namespace headroom::scheduler
