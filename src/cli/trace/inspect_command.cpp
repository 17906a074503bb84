#include "cli/trace/inspect_command.hpp"

#include <csignal>

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/input/commands.hpp"
#include "cli/input/file_kind.hpp"
#include "cli/input/installed.hpp"

namespace headroom::cli {

namespace {

void add_inspect_options(Options& options, InspectCommand& inspect) {
    options.add("FILE", inspect.file, "trace (.h5), model (.gguf) or scenario (.toml)");
    options.add(
        "--devices", inspect.devices, "the catalogue: profiles of devices, network presets"
    );
    options.add("--repair", inspect.repair, "make a killed run's trace an ordinary file");
    options.add("--json", inspect.json, "print as JSON");
}

int inspect(const Options& options, const InspectCommand& asked) {
    if (asked.devices && (!asked.file.empty() || asked.repair)) {
        options.fail("--devices shows the catalogue, expected nothing beside it but --json; leave "
                     "out the file, or leave out --devices");
    }
    if (asked.file.empty() && !asked.devices) {
        options.fail("a file is missing, expected a trace (.h5), a model (.gguf) or a scenario "
                     "(.toml); for example: headroom inspect my.toml; headroom inspect --devices "
                     "shows the catalogue");
    }
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

} // namespace

const Command kInspect{
    "inspect",
    "say what is in a trace, a model, a scenario or the catalogue",
    define<InspectCommand, add_inspect_options, inspect>};

} // namespace headroom::cli
