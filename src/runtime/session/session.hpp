// Executes a run on one device: agrees on model and kernels, loads weights, and then, from each
// decision to the next, installs a placement, decodes and reports. Device 0 hosts the controller.
#pragma once

#include "comm/transport.hpp"
#include "runtime/setup/run.hpp"

namespace headroom::runtime {

/// Runs this device until the run ends. Errors that all devices know of, such as a bad model or an
/// infeasible first placement, are returned in the outcome. All other errors are thrown; the other
/// devices may then still wait for messages of this one.
[[nodiscard]] RunOutcome run_device(const RunOptions& options, comm::Transport& transport);

} // namespace headroom::runtime
