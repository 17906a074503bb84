// Tokenises the prompts of a run and checks that they fit into the model's context.
#pragma once

#include <cstdint>
#include <vector>

#include "config/scenario/scenario.hpp"
#include "model/tokenizer/tokenizer.hpp"

namespace headroom::runtime {

/// Returns the token ids of each prompt. Throws InputError, with one line per bad prompt, if a
/// prompt has no tokens or if prompt and sampled tokens need more cache rows than `context`. Also
/// throws it if check_prompts_are_texts() does.
[[nodiscard]] std::vector<std::vector<std::int32_t>> tokenised_prompts(
    const config::WorkloadConfig& workload, const model::Tokenizer& tokenizer, std::int64_t context
);

/// Throws InputError if the workload has only the lengths of prompts, with which a run cannot
/// begin.
void check_prompts_are_texts(const config::WorkloadConfig& workload);

/// Makes the same checks for prompts of which only the numbers of tokens are known.
void check_prompt_lengths(
    const std::vector<std::int64_t>& lengths,
    const config::WorkloadConfig& workload,
    std::int64_t context
);

} // namespace headroom::runtime
