#include "base/error.hpp"
#include "cli/trace_commands.hpp"

namespace headroom::cli {

int replay_command(const ReplayCommand& /*command*/) {
    throw InputError("replay is not built yet");
}

} // namespace headroom::cli
