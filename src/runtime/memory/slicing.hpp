// How the blocks of a scenario are cut, in the words of the model, and the check that they can be.
#pragma once

#include "base/model_shape.hpp"
#include "config/scenario/scenario.hpp"
#include "model/decoder/slicing.hpp"
#include "scheduler/core/cut.hpp"

namespace headroom::runtime {

/// Returns the slicing of the model's blocks. How partial sums are reduced is not part of it.
[[nodiscard]] model::Slicing slicing_of(const scheduler::Cut& cut);

/// Throws InputError, naming controller.slices, if the scenario's number of slices does not divide
/// the feed-forward network of this shape.
void check_cut(const config::Scenario& scenario, const ModelShape& shape);

} // namespace headroom::runtime
