// A run, as every device takes part in it: agree on model and kernels, load, then interval after
// interval: install a placement, decode, report. The device with id 0 also hosts the controller.
// This header is what src/cli sees of the room.
#pragma once

#include "comm/transport.hpp"
#include "runtime/setup/run.hpp"

namespace headroom::runtime {

/// Runs this device to the end. Errors that all devices learn of in order (bad model, nothing fits)
/// come back as an outcome; anything else is thrown, and then the other devices are still waiting.
[[nodiscard]] RunOutcome run_device(const RunOptions& options, comm::Transport& transport);

} // namespace headroom::runtime
