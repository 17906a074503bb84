// Reads the scenario of a command: from a file, or made of a model and a number of equal devices.
#pragma once

#include <filesystem>

#include "config/scenario/scenario.hpp"

namespace headroom::cli {

/// Reads a scenario with config::load_scenario(). A scenario named without a folder, or its model,
/// may be an installed file; a note of the scenario then says so. Throws InputError with all
/// problems of the scenario, or if the file does not exist or is a model or a trace.
[[nodiscard]] config::Scenario read_scenario(
    const std::filesystem::path& path, const config::Overrides& overrides
);

/// Returns config::default_scenario() for the model, which may be an installed file. Throws
/// InputError like read_scenario().
[[nodiscard]] config::Scenario equal_device_scenario(
    const std::filesystem::path& model, int devices, const config::Overrides& overrides
);

} // namespace headroom::cli
