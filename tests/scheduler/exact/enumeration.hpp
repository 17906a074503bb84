// Finds the optimum of a small problem by trying every placement, to check policy `exact`. Its
// formulas (enumeration_costs) share no code with the library. The only shortcut is to drop a
// partial placement as soon as a device exceeds its limits.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "scheduler/policies/policy.hpp"
#include "tests/scheduler/instances/instances.hpp"

namespace headroom::scheduler::testing {

/// Returns devices^blocks.
[[nodiscard]] double placement_count(const Problem& problem);

/// A placement as the formulas of enumeration_costs judge it.
struct JudgedPlacement {
    bool fits = false;
    double objective = 0; ///< seconds
};
/// Precondition: that of EnumerationCosts.
[[nodiscard]] JudgedPlacement judge(const Problem& problem, const Placement& placement);

/// The optimum over all placements.
struct EnumerationResult {
    double objective =
        std::numeric_limits<double>::infinity(); ///< seconds; infinite if nothing fits
    Placement placement;                         ///< the first optimal one; empty if nothing fits
    std::int64_t feasible = 0;                   ///< number of placements that fit
};
/// Precondition: that of EnumerationCosts.
[[nodiscard]] EnumerationResult enumerate(const Problem& problem);

/// Parameters of small problems, for which enumeration is quick.
struct SmallInstanceSpec {
    CostProfile profile = CostProfile::physical;
    Granularity granularity = Granularity::paper;
    double max_placements = 1e5;
    QkNorm qk_norm = QkNorm::none; ///< `width`: groups are computed in two parts
};
/// Returns a problem of planted_instance with 2–4 heads, 1–3 layers and 2–5 devices (and 1, 2 or 4
/// slices) that has at most max_placements placements. About one in eight has less memory than its
/// planted placement needs, so that sometimes nothing fits.
[[nodiscard]] Instance small_instance(const SmallInstanceSpec& kind, std::uint64_t seed);

/// Returns what is wrong with a decision that claims to be optimal, or an empty text. The faults
/// are: its feasibility is wrong, its placement does not fit, its objective differs from the
/// enumerated one (by more than 1e-12 of it, under cost profile `paper` 1e-9), or its bound is
/// above that.
[[nodiscard]] std::string complaint(
    const Problem& problem, const Decision& decision, const EnumerationResult& enumerated
);

/// Returns |objective of the decision − optimum| / optimum. It is 0 if both are infeasible,
/// infinite if only one of them is.
[[nodiscard]] double difference(
    const Problem& problem, const Decision& decision, const EnumerationResult& enumerated
);

} // namespace headroom::scheduler::testing
