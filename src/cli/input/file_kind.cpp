#include "cli/input/file_kind.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>

#include <fmt/format.h>

#include "base/error.hpp"
#include "config/toml/input.hpp"

namespace headroom::cli {

namespace {

constexpr const char* kKinds = "expected a trace (.h5), a model (.gguf) or a scenario (.toml)";

/// Bytes that are examined: longer than every signature. A NUL among them means a binary file.
constexpr std::size_t kHeadBytes = 512;

/// Returns the first bytes of a pipe. Throws InputError for a model or a trace, which must be
/// files.
std::string stream_head(const std::filesystem::path& path) {
    const config::Input input = config::read_input(path, "the scenario");
    if (input.text.starts_with("\x89HDF") || input.text.starts_with("GGUF")) {
        refuse_standard_input("-", config::input_name(path));
    }
    return input.text.substr(0, kHeadBytes);
}

std::string file_head(const std::filesystem::path& path) {
    std::error_code unknown;
    if (config::is_standard_input(path) || std::filesystem::is_fifo(path, unknown)) {
        return stream_head(path);
    }
    const auto status = std::filesystem::status(path, unknown);
    if (!std::filesystem::exists(status)) {
        throw InputError(fmt::format(
            "{}: there is no such file, {}; check the name and the folder", path.string(), kKinds
        ));
    }
    if (std::filesystem::is_directory(status)) {
        throw InputError(fmt::format(
            "{}: is a directory, {}; name one of the files in it", path.string(), kKinds
        ));
    }
    std::ifstream file(path, std::ios::binary);
    if (!file.is_open()) {
        config::throw_if_environment(errno, path);
        throw InputError(fmt::format(
            "{}: cannot be read: {}; {} that you may read, see ls -l",
            path.string(),
            std::strerror(errno),
            kKinds
        ));
    }
    std::array<char, kHeadBytes> head{};
    file.read(head.data(), head.size());
    return {head.data(), static_cast<std::size_t>(file.gcount())};
}

bool readable_file(const std::filesystem::path& path) {
    std::error_code unknown;
    return std::filesystem::is_regular_file(path, unknown) && std::ifstream(path).is_open();
}

} // namespace

FileKind file_kind_of(const std::filesystem::path& path) {
    const std::string head = file_head(path);
    if (head.empty()) {
        throw InputError(fmt::format(
            "{}: is empty, {}; was it written to its end? Make it again", path.string(), kKinds
        ));
    }
    if (head.starts_with("\x89HDF")) {
        return FileKind::trace;
    }
    if (head.starts_with("GGUF")) {
        return FileKind::model;
    }
    if (head.find('\0') != std::string::npos) {
        throw InputError(fmt::format(
            "{}: is a binary file of another format, {}; models need the GGUF format "
            "(llama.cpp's convert_hf_to_gguf.py makes it)",
            path.string(),
            kKinds
        ));
    }
    return FileKind::text;
}

void refuse_standard_input(const std::filesystem::path& path, std::string_view option) {
    if (config::is_standard_input(path)) {
        throw InputError(fmt::format(
            "{}: standard input is no model or trace, expected a file: they are read in many "
            "places, again and again; write it to a file and name that",
            option
        ));
    }
}

void expect_scenario(const std::filesystem::path& path) {
    if (!readable_file(path)) {
        return;
    }
    switch (file_kind_of(path)) {
    case FileKind::trace:
        throw InputError(fmt::format(
            "{}: is a trace (HDF5), expected a scenario (TOML); look into it with: headroom "
            "inspect {}",
            path.string(),
            path.string()
        ));
    case FileKind::model:
        throw InputError(fmt::format(
            "{}: is a model (GGUF), expected a scenario (TOML); run a model on equal devices with: "
            "headroom run --model {} --devices 4",
            path.string(),
            path.string()
        ));
    case FileKind::text:
        return;
    }
}

void expect_model(const std::filesystem::path& path) {
    if (!readable_file(path)) {
        return;
    }
    switch (file_kind_of(path)) {
    case FileKind::trace:
        throw InputError(fmt::format(
            "--model {}: is a trace (HDF5), expected a model (GGUF); look into it with: headroom "
            "inspect {}",
            path.string(),
            path.string()
        ));
    case FileKind::text:
        throw InputError(fmt::format(
            "--model {}: is a text file, expected a model (GGUF); a scenario runs with: headroom "
            "run {}",
            path.string(),
            path.string()
        ));
    case FileKind::model:
        return;
    }
}

} // namespace headroom::cli
