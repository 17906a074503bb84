// Scenarios as users give them: a file, or a model and a number of equal devices.
#pragma once

#include <filesystem>

#include "config/scenario/scenario.hpp"

namespace headroom::cli {

/// As config::load_scenario(); plain names that are not in the working directory, and models that
/// are not beside the scenario, are looked for among what is installed, and a note of the scenario
/// says so. Throws InputError: also if the file is a model or a trace, with the command that was
/// meant; all problems of the scenario, and where its keys are described.
[[nodiscard]] config::Scenario read_scenario(
    const std::filesystem::path& path, const config::Overrides& overrides
);

/// As config::default_scenario(), with the same care for the model file.
[[nodiscard]] config::Scenario equal_devices(
    const std::filesystem::path& model, int devices, const config::Overrides& overrides
);

} // namespace headroom::cli
