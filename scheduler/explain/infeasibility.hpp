// The reasons of infeasible decisions. Sentences state which device lacks how much memory or
// compute, so that a user knows what to change.
#pragma once

#include <string>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Returns whether a quick check proves that no placement is feasible. The check finds that the
/// blocks need more memory than all devices have together, or that the source has no room for the
/// blocks that are pinned to it. Under cost profile `paper` it also finds that a layer needs more
/// compute than all devices have within T_budget, or one block more than the fastest device has.
[[nodiscard]] bool is_provably_infeasible(const Problem& problem);

/// Returns the contexts T + λ for which memory is needed, such as "at context 64" or "at contexts
/// up to 64 of 6 sequences".
[[nodiscard]] std::string contexts_text(const Problem& problem);

/// Returns one sentence on why no placement fits. `attempt` is the placement that came nearest; the
/// sentence states what devices lack for it.
[[nodiscard]] std::string infeasibility_reason(const Problem& problem, const Placement& attempt);

/// Returns what each device lacks for this placement, such as "device 1 lacks 1.20 MiB (needs …,
/// has …)"; under cost profile `paper` also "device 1 lacks 2.1 GFLOP in layer 0 (needs …, does …
/// within …)". Returns "" if the placement fits.
[[nodiscard]] std::string shortages_text(const Problem& problem, const Placement& placement);

/// Returns an infeasible decision with the reason of infeasibility_reason.
[[nodiscard]] Decision infeasible_decision(const Problem& problem, const Placement& attempt);

} // namespace headroom::scheduler
