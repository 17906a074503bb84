#include "cli/input/installed.hpp"

#include <algorithm>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace headroom::cli {

namespace {

bool has_no_folder(const std::filesystem::path& name) {
    return !name.empty() && !name.has_parent_path();
}

bool path_exists(const std::filesystem::path& path) {
    std::error_code unknown;
    return std::filesystem::exists(std::filesystem::symlink_status(path, unknown));
}

/// Whether the file is a scenario, sweep or model, and not for example a README.
bool is_data(const std::filesystem::path& path) {
    const std::string extension = path.extension().string();
    return extension == ".toml" || extension == ".gguf";
}

} // namespace

std::filesystem::path installed_prefix() {
    std::error_code unknown;
    const std::filesystem::path binary = std::filesystem::read_symlink("/proc/self/exe", unknown);
    return binary.parent_path().parent_path();
}

std::filesystem::path installed_folder(const std::string& folder) {
    std::error_code unknown;
    const std::filesystem::path found =
        std::filesystem::canonical(installed_prefix() / "share/headroom" / folder, unknown);
    return unknown ? std::filesystem::path() : found;
}

FoundFile find_installed(const std::filesystem::path& name, const std::string& folder) {
    const std::filesystem::path folder_path = has_no_folder(name) ? installed_folder(folder) : "";
    if (folder_path.empty() || path_exists(name) || !is_data(name) ||
        !path_exists(folder_path / name)) {
        return {name, ""};
    }
    const std::filesystem::path path = folder_path / name;
    return {path, fmt::format("{} is not in this folder; using {}", name.string(), path.string())};
}

std::string installed_names(const std::filesystem::path& name, const std::string& folder) {
    const std::filesystem::path folder_path = has_no_folder(name) ? installed_folder(folder) : "";
    std::vector<std::string> names;
    std::error_code unknown;
    for (const auto& entry : std::filesystem::directory_iterator(folder_path, unknown)) {
        if (is_data(entry.path())) {
            names.push_back(entry.path().filename().string());
        }
    }
    std::sort(names.begin(), names.end());
    return names.empty()
               ? ""
               : fmt::format(
                     "; these come with the program and need no folder: {}", fmt::join(names, ", ")
                 );
}

} // namespace headroom::cli
