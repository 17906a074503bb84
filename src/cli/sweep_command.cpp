#include "base/error.hpp"
#include "cli/trace_commands.hpp"

namespace headroom::cli {

int sweep_command(const SweepCommand& /*command*/) {
    throw InputError("sweep is not built yet");
}

} // namespace headroom::cli
