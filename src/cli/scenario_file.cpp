#include "cli/scenario_file.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/file_kind.hpp"

namespace headroom::cli {

namespace {

constexpr const char* kHint =
    "\n  correct what is named above; src/config/README.md describes every key and its units";

} // namespace

config::Scenario read_scenario(
    const std::filesystem::path& path, const config::Overrides& overrides
) {
    expect_scenario(path);
    try {
        return config::load_scenario(path, overrides);
    } catch (const InputError& error) {
        throw InputError(error.what() + std::string(kHint));
    }
}

config::Scenario equal_devices(
    const std::filesystem::path& model, int devices, const config::Overrides& overrides
) {
    expect_model(model);
    try {
        return config::default_scenario(std::filesystem::absolute(model), devices, overrides);
    } catch (const InputError& error) {
        throw InputError(error.what() + std::string(kHint));
    }
}

} // namespace headroom::cli
