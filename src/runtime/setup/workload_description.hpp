// The model shape and the prompts of a scenario, which suffice to plan and to simulate without
// weights. Both come from the metadata and tokenizer of a model file. Without a file the shape is a
// preset of the catalogue or in `[model]`, and only the lengths of the prompts are known.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/model_shape.hpp"
#include "config/scenario/scenario.hpp"

namespace headroom::runtime {

struct WorkloadDescription {
    std::string name; ///< name of the model
    ModelShape shape;
    /// Token ids of the distinct prompts, none empty. Without a tokenizer every id is -1.
    std::vector<std::vector<std::int32_t>> prompts;
    scheduler::TurnSizes turn_sizes; ///< sizes that determine the buffers
};

/// Throws InputError if the file is no model, if a prompt does not fit the context, if the number
/// of slices does not divide the width of the FFN, or if sizes are too large to count.
[[nodiscard]] WorkloadDescription describe_workload(const config::Scenario& scenario);

} // namespace headroom::runtime
