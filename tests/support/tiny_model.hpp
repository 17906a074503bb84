// Small GGUF models with random weights as files, for the tests that run whole fleets.
#pragma once

#include <filesystem>
#include <string>

#include "model/tiny_model.hpp"

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

void write_tiny_model(const std::filesystem::path& path, const model::test::TinyShape& shape);

/// A path in the test's own temporary folder, made on first use and removed at exit.
[[nodiscard]] std::filesystem::path temporary_path(const std::string& name);

} // namespace headroom::support
