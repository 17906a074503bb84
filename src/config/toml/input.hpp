// Texts that a user names: scenarios, sweeps, prompt files. "-" is standard input.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace headroom::config {

/// Does this name stand for standard input? "-", and the system's own names for it.
[[nodiscard]] bool is_standard_input(const std::filesystem::path& path);

/// How messages call it: "standard input", or the path.
[[nodiscard]] std::string input_name(const std::filesystem::path& path);

/// The file as a path that other paths can start from: standard input is in the working directory.
[[nodiscard]] std::filesystem::path input_place(const std::filesystem::path& path);

struct Input {
    std::string text;
    int failure = 0; ///< errno: why it could not be read; EFBIG: it is larger than anybody's text
};

/// The whole contents. What can be read only once (standard input, a pipe) is read once in the life
/// of the process: whoever asks for it again gets the same text if it is for the same thing, `what`
/// ("the scenario"), and an InputError if it is for another. A lack of memory or of file
/// descriptors is an EnvironmentError.
[[nodiscard]] Input read_input(const std::filesystem::path& path, std::string_view what);

/// From now on what can be read only once is refused with this reason: "a sweep's cells run side by
/// side".
void refuse_single_reads(std::string_view reason);

/// Throws EnvironmentError if this errno tells of the machine and not of the file.
void throw_if_environment(int failure, const std::filesystem::path& path);

} // namespace headroom::config
