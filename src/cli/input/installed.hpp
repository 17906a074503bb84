// Finds the scenarios, models and sweeps that are installed with the program, which users may name
// without a folder.
#pragma once

#include <filesystem>
#include <string>

namespace headroom::cli {

inline constexpr const char* kScenarios = "scenarios";
inline constexpr const char* kModels = "models";
inline constexpr const char* kSweeps = "sweeps";

/// Returns the path of ../share/headroom/FOLDER, relative to the folder of the running binary;
/// empty if there is no such folder. In a build folder, share/headroom is a link to data/ of the
/// checkout.
[[nodiscard]] std::filesystem::path installed_folder(const std::string& folder);

struct FoundFile {
    std::filesystem::path path;
    std::string note; ///< says which installed file is used; empty if none is
};

/// Returns the installed file of that name if `name` has no folder and does not exist in the
/// current folder; otherwise `name` itself, which need not exist.
[[nodiscard]] FoundFile find_installed(
    const std::filesystem::path& name, const std::string& folder
);

/// Returns a hint for the error that `name` does not exist: a list of the installed files. Empty if
/// nothing is installed or `name` has a folder.
[[nodiscard]] std::string installed_names(
    const std::filesystem::path& name, const std::string& folder
);

} // namespace headroom::cli
