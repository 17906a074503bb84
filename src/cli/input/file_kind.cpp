#include "cli/input/file_kind.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

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

namespace {

/// Throws InputError if the file exists and is of another kind. `before` stands before its name in
/// the message, `expected` says which kind is wanted.
void expect_kind(
    FileKind wanted, const std::filesystem::path& path, const char* before, const char* expected
) {
    if (!readable_file(path)) {
        return;
    }
    const FileKind kind = file_kind_of(path);
    if (kind == wanted) {
        return;
    }
    const std::string name = path.string();
    const auto [what, advice] =
        kind == FileKind::trace
            ? std::pair("a trace (HDF5)", "look into it with: headroom inspect " + name)
        : kind == FileKind::model
            ? std::pair(
                  "a model (GGUF)",
                  "run a model on equal devices with: headroom run --model " + name + " --devices 4"
              )
            : std::pair("a text file", "a scenario runs with: headroom run " + name);
    throw InputError(
        fmt::format("{}{}: is {}, expected {}; {}", before, name, what, expected, advice)
    );
}

} // namespace

void expect_scenario(const std::filesystem::path& path) {
    expect_kind(FileKind::text, path, "", "a scenario (TOML)");
}

void expect_model(const std::filesystem::path& path) {
    expect_kind(FileKind::model, path, "--model ", "a model (GGUF)");
}

} // namespace headroom::cli
