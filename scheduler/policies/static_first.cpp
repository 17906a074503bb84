// See static_first.hpp.
#include "scheduler/policies/static_first.hpp"

#include <fmt/format.h>

#include "scheduler/policies/ledger.hpp"
#include "scheduler/policies/packing.hpp"
#include "scheduler/policies/resource_aware.hpp"

namespace headroom::scheduler {

Decision StaticFirst::decide(const Problem& problem) const {
    if (!problem.previous) {
        return ResourceAware().decide(problem);
    }
    if (Ledger(problem, *problem.previous).shortage() > 0) {
        Decision decision;
        decision.reason = fmt::format(
            "the first placement is kept, but at context {} {}",
            problem.horizon(),
            lacking_devices(problem, *problem.previous)
        );
        return decision;
    }
    return evaluate(problem, *problem.previous, "the first placement is kept");
}

} // namespace headroom::scheduler
