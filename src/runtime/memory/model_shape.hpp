// Conversions from the data of a model file to the types of the scheduler, and back.
#pragma once

#include "config/scenario/scenario.hpp"
#include "model/decoder/hyperparameters.hpp"
#include "model/decoder/slicing.hpp"
#include "scheduler/core/cut.hpp"
#include "scheduler/core/shape.hpp"

namespace headroom::runtime {

[[nodiscard]] scheduler::ModelShape shape_of(const model::Hyperparameters& model);
/// Returns the slicing of the model's blocks. How partial sums are reduced is not part of it.
[[nodiscard]] model::Slicing slicing_of(const scheduler::Cut& cut);

/// Throws InputError, naming controller.slices, if the scenario's number of slices does not divide
/// the feed-forward network of this shape.
void check_cut(const config::Scenario& scenario, const scheduler::ModelShape& shape);

} // namespace headroom::runtime
