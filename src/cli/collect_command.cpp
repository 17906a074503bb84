#include "base/error.hpp"
#include "cli/trace_commands.hpp"

namespace headroom::cli {

int collect_command(const CollectCommand& /*command*/) {
    throw InputError("collect is not built yet");
}

} // namespace headroom::cli
