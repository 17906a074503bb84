// The tensor types of ggml: their names and stored sizes, which are needed to check any GGUF file,
// and the weight type with which the decoder computes. The values are taken from ggml.h and
// ggml-common.h of the ggml project.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/weight_type.hpp"

namespace headroom::model {

/// The code of F32, the only type that norm weights may have.
inline constexpr std::uint32_t kGgmlF32 = kFormatOf<WeightType::f32>.ggml_code;

struct GgmlType {
    std::uint32_t code = 0;               ///< number of the type in GGUF files
    std::string_view name;                ///< in lower case
    std::uint64_t block_elements = 1;     ///< weights per quantisation block; 1 if not quantised
    std::uint64_t block_bytes = 0;        ///< stored bytes of one quantisation block
    const WeightFormat* format = nullptr; ///< format by which kernels read it; null: none does
};

/// Returns all types; those of kWeightFormats come first.
[[nodiscard]] std::span<const GgmlType> ggml_types();
/// Returns the type with this code, or null if the code is unknown.
[[nodiscard]] const GgmlType* find_ggml_type(std::uint32_t code);

/// Returns the weight type with this code, or nullopt if kernels do not support the type.
[[nodiscard]] std::optional<WeightType> weight_type_of(std::uint32_t code);

/// Returns a text for error messages: with which types the decoder can compute, and what to do
/// about a model that has other types.
[[nodiscard]] std::string computed_types_advice();

} // namespace headroom::model
