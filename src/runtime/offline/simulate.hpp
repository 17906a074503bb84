// Computes `headroom simulate`, a run without transport, weights and text. The times of all devices
// are computed (scheduler/timing/timeline.hpp). The trace is equal to that of a real run, to the
// nanosecond, except for the values that need weights: sampled ids are -1, checksums are 0, and
// texts are empty. No text ends early: every sequence samples as many tokens as its limit allows.
#pragma once

#include "runtime/setup/run.hpp"

namespace headroom::runtime {

/// Simulates the run in one thread. Of `options`, uses `scenario`, `policy`, `trace_ops`, `stop`,
/// `attributes`, `sink` and `observer`. interrupted: called between tokens; returns the exit code
/// that a signal asks for, or 0. After an Error the trace is closed, and the outcome has the
/// error's exit code and message. A Bug is thrown.
[[nodiscard]] RunOutcome simulate(const RunOptions& options, int (*interrupted)() = nullptr);

} // namespace headroom::runtime
