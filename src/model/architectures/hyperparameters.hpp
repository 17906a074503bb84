// The hyperparameters of a decoder, as a model file states them.
#pragma once

#include <string>

#include "base/model_shape.hpp"
#include "model/architectures/features.hpp"

namespace headroom::model {

struct Architecture; // model/architectures/architecture.hpp

/// Comments of other headers use letters for these sizes: D is width, d is head_width, q is
/// heads_per_group(), F is ffn_width and V is vocabulary.
struct Hyperparameters : ModelShape {
    const Architecture* architecture = nullptr;
    std::string name;
    float rms_epsilon = 1e-5F;
    Features features;
};

/// Returns the model with KV caches of type `kv_type`. Throws InputError if its heads have a width
/// that the type cannot store.
[[nodiscard]] Hyperparameters with_cache_type(Hyperparameters model, WeightType kv_type);

} // namespace headroom::model
