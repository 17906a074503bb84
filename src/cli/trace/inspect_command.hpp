// The parts of `headroom inspect`, which shows the contents of a trace, a model, a scenario or the
// catalogue, as text or, with --json, as JSON.
#pragma once

#include <filesystem>

namespace headroom::cli {

struct InspectCommand {
    std::filesystem::path file;
    bool devices = false; ///< show the catalogue instead of a file
    bool repair = false;  ///< first repair the trace of a killed run, for other HDF5 tools
    bool json = false;
};

// Each of these functions prints the contents of one kind of file and returns the exit code.

[[nodiscard]] int inspect_trace(const InspectCommand& command);
/// Also accepts models that cannot be run, and then prints the reason.
[[nodiscard]] int inspect_model(const InspectCommand& command);
[[nodiscard]] int inspect_scenario(const InspectCommand& command);
/// Prints the devices and networks of the catalogue that is built into the program.
[[nodiscard]] int inspect_devices(bool json);

} // namespace headroom::cli
