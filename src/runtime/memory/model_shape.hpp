// The bridge between what a model file says and what the scheduler needs to know of it.
#pragma once

#include "config/scenario/scenario.hpp"
#include "model/decoder/cut.hpp"
#include "model/decoder/hyperparameters.hpp"
#include "scheduler/core/cut.hpp"
#include "scheduler/core/shape.hpp"

namespace headroom::runtime {

[[nodiscard]] scheduler::ModelShape shape_of(const model::Hyperparameters& model);
/// As the model's blocks know it; who reduces how is nothing to them.
[[nodiscard]] model::Cut cut_of(const scheduler::Cut& cut);

/// Throws InputError, naming controller.slices, if the scenario cuts this shape so that it does not
/// come out even.
void check_cut(const config::Scenario& scenario, const scheduler::ModelShape& shape);

} // namespace headroom::runtime
