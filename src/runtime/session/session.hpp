// Executes a run on one device. The device agrees with the others on model and kernels and loads
// weights. Then, from each decision to the next, it takes on the new placement, decodes and
// reports. Device 0 also hosts the controller, which makes the decisions.
#pragma once

#include "comm/transport.hpp"
#include "runtime/setup/run.hpp"

namespace headroom::runtime {

/// Runs this device until the run ends. Errors that all devices know of, such as a bad model or an
/// infeasible first placement, are returned in the outcome. Any other error is thrown; the other
/// devices may then still wait for messages from this device.
[[nodiscard]] RunOutcome run_device(const RunOptions& options, comm::Transport& transport);

} // namespace headroom::runtime
