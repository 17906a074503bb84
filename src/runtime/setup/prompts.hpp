// The prompts of a run as token ids, checked against the model that is to continue them.
#pragma once

#include <cstdint>
#include <vector>

#include "config/scenario/scenario.hpp"
#include "model/tokenizer/tokenizer.hpp"

namespace headroom::runtime {

/// One list of ids per prompt, none empty, each with room for its tokens in a model's `context`.
/// Throws InputError with all that are not so, a line for each that says which prompt it is.
[[nodiscard]] std::vector<std::vector<std::int32_t>> tokenised_prompts(
    const config::WorkloadConfig& workload, const model::Tokenizer& tokenizer, std::int64_t context
);

/// The same check for prompts of which only the lengths are known, in tokens.
void check_prompt_lengths(
    const std::vector<std::int64_t>& lengths,
    const config::WorkloadConfig& workload,
    std::int64_t context
);

} // namespace headroom::runtime
