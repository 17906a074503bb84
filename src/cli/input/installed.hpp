// Finds the scenarios, models and sweeps that are installed with the program, which users may name
// without a folder.
#pragma once

#include <filesystem>
#include <string>

namespace headroom::cli {

/// The folders of installed files. The functions below get one of these names as `folder`.
inline constexpr const char* kScenarios = "scenarios";
inline constexpr const char* kModels = "models";
inline constexpr const char* kSweeps = "sweeps";

/// Returns the parent of the folder of the running binary; in a build folder, the build folder.
[[nodiscard]] std::filesystem::path installed_prefix();

/// Returns the absolute path of PREFIX/share/headroom/FOLDER, where PREFIX is
/// installed_prefix(); empty if there is no such folder. In a build folder, share/headroom is a
/// link to data/ of the checkout.
[[nodiscard]] std::filesystem::path installed_folder(const std::string& folder);

struct FoundFile {
    std::filesystem::path path;
    std::string note; ///< says which installed file is used; empty if none is
};

/// If `name` has no folder, does not exist in the current folder and is the name of an installed
/// file, returns that file. Otherwise returns `name` itself, which need not exist.
[[nodiscard]] FoundFile find_installed(
    const std::filesystem::path& name, const std::string& folder
);

/// Returns a list of the installed files, which the message that `name` does not exist shows as a
/// hint. The result is empty if nothing is installed or if `name` contains a folder.
[[nodiscard]] std::string installed_names(
    const std::filesystem::path& name, const std::string& folder
);

} // namespace headroom::cli
