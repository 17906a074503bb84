// The tensor types of ggml: their names and stored sizes, which are needed to check any GGUF file,
// and the type in memory with which the decoder computes. The values are taken from ggml.h and
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
    std::uint32_t code = 0;           ///< number of the type in GGUF files
    std::string_view name;            ///< in lower case
    std::uint64_t block_elements = 1; ///< weights per quantisation block; 1 if not quantised
    std::uint64_t block_bytes = 0;    ///< stored bytes of one quantisation block
    /// Expands a quantisation block to F32 when weights are loaded; null if the type is not
    /// expanded.
    void (*expand)(const std::byte* block, float* out) = nullptr;
    /// Byte offsets of the two binary16 scales in a stored quantisation block. The offsets are
    /// equal if the block has only one scale. They are not used for types that are not quantised.
    std::array<std::size_t, 2> scales{};
    const WeightFormat* format = nullptr; ///< format by which kernels read it; null: none does
};

inline constexpr std::size_t kLargestBlock = 256; ///< weights per quantisation block of Q4_K etc.

/// Returns all types; those of kWeightFormats come first.
[[nodiscard]] std::span<const GgmlType> ggml_types();
/// Returns the type with this code, or null if the code is unknown.
[[nodiscard]] const GgmlType* find_ggml_type(std::uint32_t code);

/// Returns the weight type with which the decoder computes: the stored type if kernels support it,
/// F32 for types that are expanded when weights are loaded. Returns nullopt for types with which
/// the decoder cannot compute.
[[nodiscard]] std::optional<WeightType> weight_type_of(std::uint32_t code);

/// Expands elements of a stored row to F32, from element `first` on, until `out` is full. Neither
/// end needs to be the edge of a quantisation block. Preconditions: `out` is aligned for a float,
/// and type.expand is not null.
void expand_part(
    const GgmlType& type,
    std::span<const std::byte> row,
    std::int64_t first,
    std::span<std::byte> out
);

/// Returns a text for error messages: with which types the decoder can compute, and what to do
/// about a model that has other types.
[[nodiscard]] std::string computed_types_advice();

} // namespace headroom::model
