// What a file is, by its first bytes: users mix up scenarios, models and traces.
#pragma once

#include <cstdint>
#include <filesystem>

namespace headroom::cli {

enum class FileKind : std::uint8_t { trace, model, text };

/// Throws InputError if there is no such file, it is a directory or empty, or may not be read.
[[nodiscard]] FileKind kind_of(const std::filesystem::path& path);

/// Throws InputError with the command that was probably meant, if the file is of another kind.
/// What is not there is left to whoever reads it.
void expect_scenario(const std::filesystem::path& path);
void expect_model(const std::filesystem::path& path);

} // namespace headroom::cli
