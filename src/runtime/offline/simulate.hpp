// A run without transport, weights and text: the timeline walks what devices would execute. The
// trace is that of `run_device`, to the nanosecond, but for what only real tokens have: sampled ids
// are -1, checksums 0, texts empty. A text never ends early here: every sequence gets all its
// tokens.
#pragma once

#include "runtime/setup/run.hpp"

namespace headroom::runtime {

/// Of `options` what belongs to rank 0 counts, and scenario, trace_ops and attributes. One thread;
/// `interrupted` is asked between two tokens: 0, or the exit code that a signal asked for. Errors
/// come back as an outcome, with the trace closed; bugs are thrown.
[[nodiscard]] RunOutcome simulate(const RunOptions& options, int (*interrupted)() = nullptr);

} // namespace headroom::runtime
