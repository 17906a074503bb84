// Small GGUF models with random weights, written to files for tests that run whole fleets.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

#include "model/support/tiny_model.hpp"

namespace headroom::support {

/// Returns a shape with four groups of two heads and a width of 64, which suffices for eight
/// devices.
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

/// Names of the weight types of whole models. A type's name stands for this type in all matrices;
/// "mixed" is Q4_0 and "q4_k_m" Q4_K with the output matrix in Q6_K, as in published files.
inline constexpr std::array kTypeNames{"f32", "q8_0", "f16", "bf16", "q4_0", "q4_k_m", "mixed"};
/// The types that are in none of these.
inline constexpr std::array kOtherTypeNames{
    "q4_1", "q5_0", "q5_1", "q2_k", "q3_k", "q5_k", "iq4_nl", "iq4_xs", "mxfp4"};

/// Returns tiny_shape with the weight types of this name. Its width is 256 if rows consist of
/// quantisation blocks of 256 elements.
[[nodiscard]] model::test::TinyShape tiny_shape_in(std::string_view types);

void write_tiny_model(const std::filesystem::path& path, const model::test::TinyShape& shape);

/// Returns a model file of tiny_shape(). It is written at the first call and removed at exit.
[[nodiscard]] const std::filesystem::path& tiny_model_file();

/// Returns a path in the temporary folder of this process, which is made at the first call and
/// removed at exit.
[[nodiscard]] std::filesystem::path temporary_path(const std::string& name);
/// Writes a model to temporary_path(name), and returns that path.
std::filesystem::path write_temporary(const std::string& name, const model::test::GgufWriter& file);

} // namespace headroom::support
