// The tensor types of ggml: their names and stored sizes, which are needed to check any GGUF file,
// and the weight types with which the decoder computes instead of them. Source: ggml.h and
// ggml-common.h of the ggml project.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/weight_type.hpp"

namespace headroom::model {

inline constexpr std::uint32_t kGgmlF32 = 0; ///< code of F32, the only type that norms may have

struct GgmlType {
    std::uint32_t code = 0; ///< number of the type in GGUF files
    std::string_view name;
    std::uint64_t block_elements = 1; ///< weights of one quantisation block; 1 if not quantised
    std::uint64_t block_bytes = 0;    ///< stored bytes of one quantisation block
};

/// Returns the type with this code, or null if the code is unknown.
[[nodiscard]] const GgmlType* find_ggml_type(std::uint32_t code);

/// Returns the weight type with which the decoder computes: the stored type if kernels have it, F32
/// for the types that are expanded when a block is loaded (Q4_K, Q5_K, Q6_K). Returns nullopt for
/// types with which the decoder cannot compute.
[[nodiscard]] std::optional<WeightType> weight_type_of(std::uint32_t code);

/// Returns whether weights of this type are expanded to F32 when a block is loaded. Precondition:
/// weight_type_of(code) has a value.
[[nodiscard]] bool is_expanded(std::uint32_t code);

/// Expands elements of a stored row to F32, from element `first` on, until `out` is full. Neither
/// end needs to be the edge of a quantisation block. `out` is aligned for a float. Precondition:
/// is_expanded(code).
void expand_part(
    std::uint32_t code, std::span<const std::byte> row, std::int64_t first, std::span<std::byte> out
);

/// Returns a text for error messages: which types can be computed, and what to do with other types.
[[nodiscard]] std::string_view computed_types_advice();

} // namespace headroom::model
