// The model shape and the prompts of a scenario, which suffice to plan and to simulate without
// weights. Both come from the metadata and tokenizer of a model file. Without a file, the shape is
// in the scenario or is a preset, and only the numbers of tokens of the prompts are known.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/model_shape.hpp"
#include "config/scenario/scenario.hpp"
#include "model/architectures/hyperparameters.hpp"
#include "model/gguf/gguf.hpp"

namespace headroom::runtime {

struct WorkloadDescription {
    std::string name; ///< name of the model
    ModelShape shape;
    /// Token ids of each distinct prompt, at least one per prompt. Without a tokenizer all are -1.
    std::vector<std::vector<std::int32_t>> prompts;
    scheduler::TurnSizes turn_sizes; ///< sizes that determine the buffers
};

/// Returns the hyperparameters of the model file, with the context and the type of KV caches that
/// the scenario says. Throws InputError if the model cannot be run, or not with such caches.
[[nodiscard]] model::Hyperparameters model_of(
    const config::Scenario& scenario, const model::GgufFile& file
);

/// Returns what a user should know about the costs of the model, one sentence each: mostly why
/// `headroom run` cannot run it. Throws InputError if the file does not say what its costs depend
/// on.
[[nodiscard]] std::vector<std::string> notes_on_costs(const config::Scenario& scenario);

/// Throws InputError if the file does not say what its costs depend on, if its tokenizer cannot be
/// used and the prompts are texts, if a prompt and its sampled tokens exceed the
/// context, if the slices do not divide the ffn's width evenly, or if bytes or FLOP are more than
/// the integer types can count.
[[nodiscard]] WorkloadDescription describe_workload(const config::Scenario& scenario);

} // namespace headroom::runtime
