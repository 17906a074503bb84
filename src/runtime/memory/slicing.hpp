// Converts a scenario's cut (how layers are divided into blocks) for src/model, and checks the cut.
#pragma once

#include "base/model_shape.hpp"
#include "config/scenario/scenario.hpp"
#include "model/decoder/slicing.hpp"
#include "scheduler/core/cut.hpp"

namespace headroom::runtime {

/// The result does not say how partial sums are reduced, which `cut` does.
[[nodiscard]] model::Slicing slicing_of(const scheduler::Cut& cut);

/// Throws InputError, naming controller.slices, if the scenario's number of slices does not divide
/// the width of the feed-forward network.
void check_cut(const config::Scenario& scenario, const ModelShape& shape);

} // namespace headroom::runtime
