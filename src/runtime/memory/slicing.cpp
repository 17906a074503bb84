#include "runtime/memory/slicing.hpp"

#include "base/error.hpp"

namespace headroom::runtime {

model::Slicing slicing_of(const scheduler::Cut& cut) {
    return {cut.sliced() ? cut.slices : 0};
}

void check_cut(const config::Scenario& scenario, const ModelShape& shape) {
    const std::string problem = config::slices_problem(scenario.controller, shape);
    if (!problem.empty()) {
        throw InputError(problem);
    }
}

} // namespace headroom::runtime
