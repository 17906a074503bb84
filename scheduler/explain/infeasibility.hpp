// What is missing when nothing fits, in numbers and in words. Sentences say who lacks how much of
// what, so that a reader knows what to change.
#pragma once

#include <string>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Whether no placement can fit, so that there is nothing to search: the blocks need more memory
/// than all devices have together; under cost profile `paper` also if a layer needs more compute
/// than all devices do within T_budget, or one of its blocks more than any device does.
[[nodiscard]] bool hopeless(const Problem& problem);

/// "at context 64", or "at contexts up to 64 of 6 sequences": what memory is asked for at T + λ.
[[nodiscard]] std::string contexts_text(const Problem& problem);

/// Why nothing fits, in one sentence: what decides it if hopeless, and what which device lacks in
/// the best attempt.
[[nodiscard]] std::string shortage_reason(const Problem& problem, const Placement& attempt);

/// Why this placement does not fit: "device 1 lacks 1.20 MiB (needs …, has …)", per device; under
/// cost profile `paper` also "device 1 lacks 2.1 GFLOP in layer 0 (needs …, does … within …)".
[[nodiscard]] std::string lacking_devices(const Problem& problem, const Placement& placement);

/// The answer "nothing fits".
[[nodiscard]] Decision infeasible(const Problem& problem, const Placement& attempt);

} // namespace headroom::scheduler
