// Recognises traces, models and scenarios by their first bytes, because users confuse them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace headroom::cli {

enum class FileKind : std::uint8_t { trace, model, text };

/// Returns the kind of the file. Every file that is not binary counts as `text`. Throws InputError
/// if the file does not exist, is a directory, is empty, cannot be read, or is a binary file of
/// another format.
[[nodiscard]] FileKind file_kind_of(const std::filesystem::path& path);

/// Throws InputError if the path stands for standard input. Models and traces are read several
/// times, which a stream does not allow. `option` names the option in the message, for example
/// "--resume".
void refuse_standard_input(const std::filesystem::path& path, std::string_view option);

/// Throws InputError if the file is a trace or a model; the message names the command for that
/// kind. Does nothing if the file does not exist or cannot be read, because the code that reads the
/// file later reports this.
void expect_scenario(const std::filesystem::path& path);
/// Throws InputError if the file is a trace or a text. Does nothing if the file does not exist or
/// cannot be read, for the same reason.
void expect_model(const std::filesystem::path& path);

} // namespace headroom::cli
