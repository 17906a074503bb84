// The hyperparameters of a decoder, as a model file states them.
#pragma once

#include <string>

#include "base/model_shape.hpp"

namespace headroom::model {

struct Architecture; // architecture.hpp

/// Comments of other headers use letters for these sizes: D is width, d is head_width(), q is
/// heads_per_group(), F is ffn_width and V is vocabulary.
struct Hyperparameters : ModelShape {
    const Architecture* architecture = nullptr;
    std::string name;
    float rms_epsilon = 1e-5F;
    double rope_theta = 10000.0;
};

} // namespace headroom::model
