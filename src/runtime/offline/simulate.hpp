// Computes `headroom simulate`, a run without transport, weights and text. The timeline computes
// the times of all devices. The trace is equal to that of a real run, to the nanosecond, except for
// the values that need weights: sampled ids are -1, checksums are 0 and texts are empty. No text
// ends early: every sequence samples all tokens up to its limit.
#pragma once

#include "runtime/setup/run.hpp"

namespace headroom::runtime {

/// Simulates the run in one thread. Of `options`, uses `scenario`, `trace_ops`, `stop`,
/// `attributes` and the members for rank 0. interrupted: called between tokens; returns 0, or the
/// exit code that a signal asks for. An Error ends the trace and is returned; a Bug is thrown.
[[nodiscard]] RunOutcome simulate(const RunOptions& options, int (*interrupted)() = nullptr);

} // namespace headroom::runtime
