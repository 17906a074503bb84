// The optimum by trying every placement: the judge of policy `exact`. The formulas are its own
// (enumeration_costs); nothing is bounded, grouped or ordered cleverly. Only placements whose first
// blocks already exceed a device are not completed.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "scheduler/policies/policy.hpp"
#include "tests/scheduler/instances/instances.hpp"

namespace headroom::scheduler::testing {

/// devices to the power of blocks.
[[nodiscard]] double placements_of(const Problem& problem);

/// One placement by the formulas of enumeration_costs; preconditions there.
struct Judged {
    bool fits = false;
    double objective = 0; ///< seconds
};
[[nodiscard]] Judged judge(const Problem& problem, const Placement& placement);

struct Enumerated {
    double objective = std::numeric_limits<double>::infinity(); ///< seconds; infinite: nothing fits
    Placement placement;       ///< the first with that objective; empty if nothing fits
    std::int64_t feasible = 0; ///< placements that fit
};
[[nodiscard]] Enumerated enumerate(const Problem& problem);

/// Small instances for which enumeration is quick: 2–4 heads, 1–3 layers, 2–5 devices of the
/// generator of docs/explanation/instances.md, at most so many placements; sliced: 1, 2 or 4
/// slices. Every eighth has less memory than was planted, so that now and then nothing fits.
struct SmallKind {
    CostProfile profile = CostProfile::physical;
    Granularity granularity = Granularity::paper;
    double most_placements = 1e5;
};
[[nodiscard]] Instance small_instance(const SmallKind& kind, std::uint64_t seed);

/// Empty, or what is wrong with a decision that is called an optimum: not feasible although
/// something fits, or the reverse; a placement that does not fit; another objective than the
/// enumerated one (relative 1e-12 under `physical`, 1e-9 under `paper`); a bound above it.
[[nodiscard]] std::string complaint(
    const Problem& problem, const Decision& decision, const Enumerated& enumerated
);

/// |objective of the decision − optimum| / optimum; 0 if both say that nothing fits, infinite if
/// only one does.
[[nodiscard]] double difference(
    const Problem& problem, const Decision& decision, const Enumerated& enumerated
);

} // namespace headroom::scheduler::testing
