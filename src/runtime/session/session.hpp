// Executes a run on one device: agrees on model and kernels, loads weights, and then, from decision
// to decision, puts a placement in force, decodes and reports. Device 0 also hosts the controller.
#pragma once

#include "comm/transport.hpp"
#include "runtime/setup/run.hpp"

namespace headroom::runtime {

/// Runs this device until the run ends. Errors that all devices know of, such as a bad model or an
/// infeasible first placement, are returned in the outcome. Any other error is thrown; the other
/// devices may then still wait for messages from this device.
[[nodiscard]] RunOutcome run_device(const RunOptions& options, comm::Transport& transport);

} // namespace headroom::runtime
