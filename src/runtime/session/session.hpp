// Executes a run on one device. First all devices agree on model and kernels. After each decision
// the device installs the placement (the first time it loads its weights), decodes, and reports to
// the controller. Device 0 also hosts the controller.
#pragma once

#include "comm/transport.hpp"
#include "runtime/setup/run.hpp"

namespace headroom::runtime {

/// Runs this device until the run ends. Errors that all devices know of, such as a bad model or an
/// infeasible first placement, are returned in the outcome. Any other error is thrown; the other
/// devices may then still wait for messages from this device.
[[nodiscard]] RunOutcome run_device(const RunOptions& options, comm::Transport& transport);

} // namespace headroom::runtime
