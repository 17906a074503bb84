// What comes with the program: scenarios, models and sweeps that are named without saying where
// they are.
#pragma once

#include <filesystem>
#include <string>

namespace headroom::cli {

/// Folders of what is installed.
inline constexpr const char* kScenarios = "scenarios";
inline constexpr const char* kModels = "models";
inline constexpr const char* kSweeps = "sweeps";

/// FOLDER beside the running binary: ../share/headroom/FOLDER. Where the program is installed that
/// is its own copy; a build has a link there to the checkout's data. Empty if there is none.
[[nodiscard]] std::filesystem::path installed_folder(const std::string& folder);

struct Named {
    std::filesystem::path path;
    std::string note; ///< for people: which file is used; empty if it is the one that was named
};

/// The file that `name` means: itself if it is there or says a folder ("./x.toml"); else the
/// installed one of that name; if there is none either, itself.
[[nodiscard]] Named find_installed(const std::filesystem::path& name, const std::string& folder);

/// What an error about a missing `name` adds: "; installed are: a.toml, b.toml"; empty if nothing
/// is installed or the name says a folder.
[[nodiscard]] std::string installed_names(
    const std::filesystem::path& name, const std::string& folder
);

} // namespace headroom::cli
