#include "cli/input/installed.hpp"

#include <algorithm>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace headroom::cli {

namespace {

bool is_plain(const std::filesystem::path& name) {
    return !name.empty() && !name.has_parent_path();
}

bool is_there(const std::filesystem::path& path) {
    std::error_code unknown;
    return std::filesystem::exists(std::filesystem::symlink_status(path, unknown));
}

/// Data files, not the READMEs beside them.
bool is_data(const std::filesystem::path& path) {
    const std::string extension = path.extension().string();
    return extension == ".toml" || extension == ".gguf";
}

} // namespace

std::filesystem::path installed_folder(const std::string& folder) {
    std::error_code unknown;
    const std::filesystem::path binary = std::filesystem::read_symlink("/proc/self/exe", unknown);
    const std::filesystem::path prefix = binary.parent_path().parent_path();
    const std::filesystem::path found =
        std::filesystem::canonical(prefix / "share/headroom" / folder, unknown);
    return unknown ? std::filesystem::path() : found;
}

Named find_installed(const std::filesystem::path& name, const std::string& folder) {
    const std::filesystem::path place = is_plain(name) ? installed_folder(folder) : "";
    if (place.empty() || is_there(name) || !is_data(name) || !is_there(place / name)) {
        return {name, ""};
    }
    const std::filesystem::path path = place / name;
    return {path, fmt::format("{} is not in this folder; using {}", name.string(), path.string())};
}

std::string installed_names(const std::filesystem::path& name, const std::string& folder) {
    const std::filesystem::path place = is_plain(name) ? installed_folder(folder) : "";
    std::vector<std::string> names;
    std::error_code unknown;
    for (const auto& entry : std::filesystem::directory_iterator(place, unknown)) {
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
