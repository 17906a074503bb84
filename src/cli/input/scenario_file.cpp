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

void add_note(const std::string& note, config::Scenario& scenario) {
    if (!note.empty()) {
        scenario.notes.insert(scenario.notes.begin(), note);
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

} // namespace

config::Scenario read_scenario(
    const std::filesystem::path& path, const config::Overrides& overrides
) {
    const FoundFile named = find_installed(path, kScenarios);
    expect_scenario(named.path);
    check_is_there(named.path);
    try {
        config::Scenario scenario = config::load_scenario(named.path, with_models(overrides));
        add_note(named.note, scenario);
        return scenario;
    } catch (const InputError& error) {
        throw InputError(error.what() + std::string(kHint));
    }
}

config::Scenario equal_device_scenario(
    const std::filesystem::path& model, int devices, const config::Overrides& overrides
) {
    refuse_standard_input(model, "--model");
    const FoundFile named = find_installed(model, kModels);
    expect_model(named.path);
    try {
        config::Scenario scenario = config::default_scenario(
            std::filesystem::absolute(named.path), devices, with_models(overrides)
        );
        add_note(named.note, scenario);
        return scenario;
    } catch (const InputError& error) {
        throw InputError(error.what() + std::string(kHint));
    }
}

} // namespace headroom::cli
