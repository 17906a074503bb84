#include "cli/trace/inspect_command.hpp"

#include <csignal>

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/input/file_kind.hpp"
#include "cli/input/installed.hpp"

namespace headroom::cli {

int inspect_command(const InspectCommand& asked) {
    (void)std::signal(SIGPIPE, SIG_DFL); // end quietly when the reader of the output has closed it
    if (asked.devices) {
        return inspect_devices(asked.json);
    }
    InspectCommand command = asked;
    for (const char* const folder : {kScenarios, kModels}) {
        command.file = find_installed(command.file, folder).path;
    }
    const FileKind kind = file_kind_of(command.file);
    if (command.repair && kind != FileKind::trace) {
        throw InputError(fmt::format(
            "{}: is no trace (HDF5), expected one after --repair; leave out --repair to look into "
            "it",
            command.file.string()
        ));
    }
    switch (kind) {
    case FileKind::trace:
        return inspect_trace(command);
    case FileKind::model:
        return inspect_model(command);
    case FileKind::text:
        return inspect_scenario(command);
    }
    return 0;
}

} // namespace headroom::cli
