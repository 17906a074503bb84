// Reads the text files that a user names: scenarios, sweeps and prompt files. The name "-" stands
// for standard input. Standard input and pipes are single-use inputs: they can be read only once,
// so their text is kept for the life of the process.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace headroom::config {

/// Returns whether this name stands for standard input: "-", "/dev/stdin", "/dev/fd/0", ….
[[nodiscard]] bool is_standard_input(const std::filesystem::path& path);

/// Returns the name of the input in messages: "standard input", or the path.
[[nodiscard]] std::string input_name(const std::filesystem::path& path);

/// Returns a path whose parent folder is the base of all relative paths in the input's text. This
/// is the input's own path or, for standard input, a made-up file name in the working directory.
[[nodiscard]] std::filesystem::path input_base_path(const std::filesystem::path& path);

struct Input {
    std::string text;
    int error_number = 0; ///< errno of the failure, or 0; EFBIG: more than 256 MiB
};

/// Returns the whole contents of the input. `purpose` says what the input is, such as "the
/// scenario". A single-use input gives the same text again for the same purpose. Throws InputError
/// if a single-use input was read before for another purpose, or if single-use inputs are refused
/// (see below). Throws EnvironmentError if memory or file descriptors are lacking.
[[nodiscard]] Input read_input(const std::filesystem::path& path, std::string_view purpose);

/// Makes read_input refuse single-use inputs that have not been read yet. A sweep needs this,
/// because each of its runs reads its inputs for itself. `reason` completes the message "can be
/// read only once, but …".
void refuse_single_use_inputs(std::string_view reason);

/// Throws EnvironmentError if this errno reports a lack of memory or file descriptors.
void throw_if_environment(int error_number, const std::filesystem::path& path);

/// Returns the text of a file. `kind` says in messages what the file is, such as "scenario". Throws
/// like read_input, and InputError if the file cannot be read.
[[nodiscard]] std::string read_document(const std::filesystem::path& path, std::string_view kind);

} // namespace headroom::config
