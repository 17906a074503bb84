// The types in which the matrices of a published model are stored. Files that llama.cpp has
// quantised mix several types: Q4_K_M has most matrices in Q4_K and the more sensitive ones in
// Q6_K. The rules here are those of its quantiser without an importance matrix.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/model_shape.hpp"
#include "base/weight_type.hpp"

namespace headroom::config {

/// What a scenario's `weight_type` can name: a weight type or a mixture of several.
struct WeightChoice {
    std::string_view name;
    WeightType base = WeightType::f16; ///< the type of all matrices, or of most of a mixture
    bool mixture = false;
};

/// Returns all choices: first the types, in the order of kWeightFormats, then the mixtures.
[[nodiscard]] std::span<const WeightChoice> weight_choices();
/// Returns their names in the same order.
[[nodiscard]] std::span<const std::string_view> weight_choice_names();

/// Sets the type of every matrix. Precondition: shape.layers is set.
void set_types(ModelShape& shape, WeightType type);

/// Sets the type of every matrix as `choice` has it. If `fused` is true, files have q, k and v as
/// one matrix, which has one type. A mixture stores a matrix whose rows are not a multiple of 256
/// long in a type with smaller blocks, as llama.cpp does. Precondition: all sizes of the shape are
/// set; they may be wrong.
void set_weights(ModelShape& shape, const WeightChoice& choice, bool fused);

} // namespace headroom::config
