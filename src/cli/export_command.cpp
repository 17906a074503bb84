#include "base/error.hpp"
#include "cli/trace_commands.hpp"

namespace headroom::cli {

int export_command(const ExportCommand& /*command*/) {
    throw InputError("export is not built yet");
}

} // namespace headroom::cli
