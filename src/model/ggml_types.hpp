// The tensor types that ggml knows, with their storage: enough to check any file's sizes and to
// name what cannot be computed. Which of them can be computed is said in weights.hpp.
// Source: ggml.h and ggml-common.h of the ggml project.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/weight_type.hpp"

namespace headroom::model {

struct GgmlType {
    std::uint32_t code = 0;
    std::string_view name;
    std::uint64_t block_elements = 1;
    std::uint64_t block_bytes = 0;
};

/// Null if the code is unknown.
[[nodiscard]] const GgmlType* find_ggml_type(std::uint32_t code);

/// The weight type that kernels compute with, if they do.
[[nodiscard]] std::optional<WeightType> weight_type_of(std::uint32_t code);

} // namespace headroom::model
