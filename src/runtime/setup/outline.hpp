// What a scenario decodes, without its weights: enough to plan and to simulate. From a model file
// its metadata and tokenizer; from a preset or a shape the figures alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/scenario/scenario.hpp"
#include "scheduler/core/shape.hpp"

namespace headroom::runtime {

struct Outline {
    std::string name; ///< of the model
    scheduler::ModelShape shape;
    /// The different ones, none empty: ids where there is a tokenizer, else as many of -1.
    std::vector<std::vector<std::int32_t>> prompts;
    scheduler::TurnSizes turn_sizes; ///< see requests.hpp
};

/// Throws InputError: the file is no model, prompts do not fit the context, slices do not divide
/// the FFN.
[[nodiscard]] Outline outline_of(const config::Scenario& scenario);

} // namespace headroom::runtime
