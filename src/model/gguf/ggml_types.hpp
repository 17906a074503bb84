// The tensor types that ggml knows, with their storage: enough to check any file's sizes and to
// name what cannot be computed; and what the decoder makes of those that can.
// Source: ggml.h and ggml-common.h of the ggml project.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/weight_type.hpp"

namespace headroom::model {

inline constexpr std::uint32_t kGgmlF32 = 0; ///< the only type that norms may have

struct GgmlType {
    std::uint32_t code = 0;
    std::string_view name;
    std::uint64_t block_elements = 1;
    std::uint64_t block_bytes = 0;
};

/// Null if the code is unknown.
[[nodiscard]] const GgmlType* find_ggml_type(std::uint32_t code);

/// The weight type that the decoder computes with: the stored one where kernels know it, F32 for
/// types that are expanded when a block is loaded (Q4_K, Q5_K, Q6_K); nothing for all others.
[[nodiscard]] std::optional<WeightType> weight_type_of(std::uint32_t code);

/// Is the stored form another one than what is computed with? Precondition: weight_type_of(code).
[[nodiscard]] bool is_expanded(std::uint32_t code);

/// Expands a part of a stored row to F32, beginning with element `first`: as many as fit `out`,
/// which is aligned for a float. The part may cut ggml's blocks. Precondition: is_expanded(code).
void expand_part(
    std::uint32_t code, std::span<const std::byte> row, std::int64_t first, std::span<std::byte> out
);

/// What can be computed and what to do with other types, for messages.
[[nodiscard]] std::string_view computed_types_advice();

} // namespace headroom::model
