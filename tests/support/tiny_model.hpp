// Small GGUF models with random weights, written by the tests that need them: any shape, F32 or
// Q8_0, tied or not, with a byte-level vocabulary.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/weight_type.hpp"

namespace headroom::support {

struct TinyModel {
    WeightType type = WeightType::f32;
    std::int32_t layers = 2;
    std::int32_t heads = 8;
    std::int32_t kv_heads = 4;
    std::int64_t width = 64;
    std::int64_t ffn_width = 96;
    std::int64_t vocabulary = 288; ///< at least 259
    std::int64_t context = 128;
    bool tied = false;
    std::uint64_t seed = 1;
};

void write_tiny_model(const std::filesystem::path& path, const TinyModel& model);

/// A path in the test's own temporary folder, made on first use and removed at exit.
[[nodiscard]] std::filesystem::path temporary_path(const std::string& name);

} // namespace headroom::support
