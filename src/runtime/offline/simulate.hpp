// `headroom simulate`: a run without transport, weights and text. The timeline computes what the
// devices would execute. The trace is that of run_device, to the nanosecond, without the values
// that need weights: sampled ids are -1, checksums are 0 and texts are empty. No text ends early:
// every sequence samples all tokens up to its limit.
#pragma once

#include "runtime/setup/run.hpp"

namespace headroom::runtime {

/// Simulates the run in one thread. Uses scenario, trace_ops, stop, attributes and the members for
/// rank 0 of `options`. interrupted: called between tokens; returns 0, or the exit code that a
/// signal asks for. Errors are returned as an outcome and the trace is ended; bugs are thrown.
[[nodiscard]] RunOutcome simulate(const RunOptions& options, int (*interrupted)() = nullptr);

} // namespace headroom::runtime
