// Drafts are placements as counts. They are converted to placements, and objectives are computed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "scheduler/exact/domain.hpp"
#include "scheduler/exact/tables.hpp"

namespace headroom::scheduler::exact {

/// A placement as hosts and numbers of units.
struct Draft {
    std::vector<std::size_t> chain;  ///< [position]
    std::vector<std::size_t> proj;   ///< [layer]; only in granularity `paper`
    std::vector<std::int32_t> units; ///< [item][device]
};

/// Calls take(item, device, count) for all blocks of the draft.
template <class Take>
void visit_draft(const Tables& tables, const Draft& draft, const Take& take) {
    for (std::size_t i = 0; i < draft.chain.size(); ++i) {
        if (const Item* item = tables.chain_item(i, draft.chain[0] == draft.chain[i])) {
            take(*item, draft.chain[i], 1);
        }
    }
    for (std::size_t l = 0; l < draft.proj.size(); ++l) {
        take(tables.proj(l), draft.proj[l], 1);
    }
    for (std::size_t k = 0; k < draft.units.size(); ++k) {
        if (draft.units[k] > 0) {
            take(tables.items()[k / tables.devices()], k % tables.devices(), draft.units[k]);
        }
    }
}

/// Returns the draft with a box's hosts and fewest units. Precondition: hosts_fixed().
[[nodiscard]] Draft draft_of(const Domain& domain);

/// Returns the placement of a draft. Of equal blocks, lower ids go to lower devices.
[[nodiscard]] Placement placement_of(const Tables& tables, const Draft& draft);

/// Returns the objective of a decision in nanoseconds; infinite if something never ends.
[[nodiscard]] double objective_ns(const Problem& problem, const Decision& decision);

/// Returns the objective of a placement by StepDelay and the lanes, or by the published formulas.
/// This is faster than evaluate(). With caps, message overheads or shared media the result is a
/// lower bound.
[[nodiscard]] double quick_objective_ns(
    const Tables& tables, const Draft& draft, const Placement& placement
);

/// Finds the lane (link or storage) on which migration ends last. Returns the index of the entry of
/// draft.units that moves the most units over it, or units.size() if the lane ends by `limit`.
[[nodiscard]] std::size_t overdue(const Tables& tables, const Draft& draft, double limit);

} // namespace headroom::scheduler::exact
