// What a file is, by its first bytes: users mix up scenarios, models and traces.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace headroom::cli {

enum class FileKind : std::uint8_t { trace, model, text };

/// Throws InputError if there is no such file, it is a directory or empty, or may not be read.
[[nodiscard]] FileKind kind_of(const std::filesystem::path& path);

/// Throws InputError if the name stands for standard input: models and traces are read in many
/// places. `option` as the user gave it: "--resume".
void refuse_standard_input(const std::filesystem::path& path, std::string_view option);

/// Throws InputError with the command that was probably meant, if the file is of another kind.
/// What is not there is left to whoever reads it.
void expect_scenario(const std::filesystem::path& path);
void expect_model(const std::filesystem::path& path);

} // namespace headroom::cli
