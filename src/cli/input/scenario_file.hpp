// Reads the scenario of a command from a file, or makes one from a model and a number of equal
// devices.
#pragma once

#include <filesystem>

#include "cli/input/run_options.hpp"
#include "config/scenario/scenario.hpp"

namespace headroom::cli {

/// Reads a scenario file. The scenario and its model may be installed files if they are named
/// without a folder; Scenario::notes then says so. Throws InputError with all problems of the
/// scenario, or if the file does not exist or is a model or a trace.
[[nodiscard]] config::Scenario read_scenario(
    const std::filesystem::path& path, const config::Overrides& overrides
);

/// Returns the scenario of a command, with these overrides. If `run.scenario` is not empty,
/// read_scenario() reads the scenario from this file. Otherwise the scenario has the model
/// `run.model` (which may be an installed file) on `run.devices` equal devices.
[[nodiscard]] config::Scenario scenario_of(
    const RunCommand& run, const config::Overrides& overrides
);

} // namespace headroom::cli
