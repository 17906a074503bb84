#include "cli/input/scenario_file.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/input/file_kind.hpp"
#include "cli/input/installed.hpp"
#include "config/toml/input.hpp"

namespace headroom::cli {

namespace {

constexpr const char* kHint =
    "\n  correct what is named above; headroom help scenario describes every key and its units";

config::Overrides with_models(config::Overrides overrides) {
    overrides.models = installed_folder(kModels);
    return overrides;
}

/// Calls `read` and returns its scenario with the note of the file. Adds the hint to an InputError.
template <class Read>
config::Scenario with_note_and_hint(const FoundFile& file, Read read) {
    try {
        config::Scenario scenario = read();
        if (!file.note.empty()) {
            scenario.notes.insert(scenario.notes.begin(), file.note);
        }
        return scenario;
    } catch (const InputError& error) {
        throw InputError(error, std::string(kHint));
    }
}

void check_is_there(const std::filesystem::path& path) {
    std::error_code unknown;
    if (!config::is_standard_input(path) && !std::filesystem::exists(path, unknown)) {
        throw InputError(fmt::format(
            "{}: there is no such scenario file{}{}",
            path.string(),
            installed_names(path, kScenarios),
            kHint
        ));
    }
}

/// Returns config::default_scenario() for the model, which may be an installed file.
config::Scenario equal_device_scenario(
    const std::filesystem::path& model, int devices, const config::Overrides& overrides
) {
    refuse_standard_input(model, "--model");
    const FoundFile named = find_installed(model, kModels);
    expect_model(named.path);
    return with_note_and_hint(named, [&] {
        return config::default_scenario(
            std::filesystem::absolute(named.path), devices, with_models(overrides)
        );
    });
}

} // namespace

config::Scenario read_scenario(
    const std::filesystem::path& path, const config::Overrides& overrides
) {
    const FoundFile named = find_installed(path, kScenarios);
    expect_scenario(named.path);
    check_is_there(named.path);
    return with_note_and_hint(named, [&] {
        return config::load_scenario(named.path, with_models(overrides));
    });
}

config::Scenario scenario_of(const RunCommand& run, const config::Overrides& overrides) {
    return run.scenario.empty() ? equal_device_scenario(run.model, run.devices, overrides)
                                : read_scenario(run.scenario, overrides);
}

} // namespace headroom::cli
