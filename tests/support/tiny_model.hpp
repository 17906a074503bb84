// Small GGUF models with random weights as files, for the tests that run whole fleets.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

#include "model/support/tiny_model.hpp"

namespace headroom::support {

/// Four groups of two heads, 64 wide: enough to spread over eight devices.
[[nodiscard]] inline model::test::TinyShape tiny_shape() {
    model::test::TinyShape shape;
    shape.heads = 8;
    shape.kv_heads = 4;
    shape.width = 64;
    shape.ffn_width = 96;
    shape.vocabulary = 56;
    shape.context = 128;
    return shape;
}

/// Weight types of whole models, by the names that tests have: one stored type for all matrices,
/// and "mixed": Q4_0 with the output matrix in Q6_K, as published Q4_0 files are.
inline constexpr std::array kTypeNames{"f32", "q8_0", "f16", "bf16", "q4_0", "q4_k", "mixed"};

/// tiny_shape in the types of that name; 256 wide where a row must hold a super-block.
[[nodiscard]] model::test::TinyShape tiny_shape_in(std::string_view types);

void write_tiny_model(const std::filesystem::path& path, const model::test::TinyShape& shape);

/// A model of tiny_shape(), written on first use and removed at exit.
[[nodiscard]] const std::filesystem::path& tiny_model_file();

/// A path in the test's own temporary folder, made on first use and removed at exit.
[[nodiscard]] std::filesystem::path temporary_path(const std::string& name);

} // namespace headroom::support
