// The bridge between what a model file says and what the scheduler needs to know of it.
#pragma once

#include "model/hyperparameters.hpp"
#include "scheduler/shape.hpp"

namespace headroom::runtime {

[[nodiscard]] scheduler::ModelShape shape_of(const model::Hyperparameters& model);

} // namespace headroom::runtime
