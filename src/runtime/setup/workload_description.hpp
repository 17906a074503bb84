// The model shape and the prompts of a scenario, which suffice to plan and to simulate without
// weights. Both come from the metadata and tokenizer of a model file. Without a file, the shape is
// in the scenario or is a preset, and only the numbers of tokens of the prompts are known.
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
    /// Token ids of each distinct prompt, at least one per prompt. Without a tokenizer all are -1.
    std::vector<std::vector<std::int32_t>> prompts;
    scheduler::TurnSizes turn_sizes; ///< sizes that determine the buffers
};

/// Throws InputError if the file is no model, if a prompt and its sampled tokens exceed the
/// context, if the slices do not divide the ffn's width evenly, or if bytes or FLOP are more than
/// the integer types can count.
[[nodiscard]] WorkloadDescription describe_workload(const config::Scenario& scenario);

} // namespace headroom::runtime
