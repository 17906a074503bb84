#include "runtime/setup/prompts.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"

namespace headroom::runtime {

namespace {

/// Returns what is wrong with a prompt of `prompt` tokens, or "".
std::string problem_with(std::int64_t prompt, std::int64_t tokens, std::int64_t context) {
    if (prompt == 0) {
        return "is empty and the model has no begin-of-text token: give a prompt";
    }
    // The last sampled token needs no cache row.
    const std::int64_t limit = std::max<std::int64_t>(0, context - prompt + 1);
    if (tokens <= limit) {
        return "";
    }
    if (limit == 0) {
        return fmt::format(
            "has {} tokens, but the model's context is {}; give a shorter prompt", prompt, context
        );
    }
    return fmt::format(
        "has {} tokens and {} are to be sampled, but the model's context is {}: at most {} can be "
        "sampled; give fewer tokens (--tokens) or a shorter prompt",
        prompt,
        tokens,
        context,
        limit
    );
}

} // namespace

void check_prompt_lengths(
    const std::vector<std::int64_t>& lengths,
    const config::WorkloadConfig& workload,
    std::int64_t context
) {
    std::string problems;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
        const std::string problem = problem_with(lengths[i], workload.max_tokens_of(i), context);
        if (!problem.empty()) {
            problems += fmt::format(
                "{}{} {}",
                problems.empty() ? "" : "\n",
                lengths.size() == 1 ? "the prompt"
                                    : fmt::format("prompt {} of {}:", i + 1, lengths.size()),
                problem
            );
        }
    }
    if (!problems.empty()) {
        throw InputError(problems);
    }
}

void check_prompts_are_texts(const config::WorkloadConfig& workload) {
    if (!workload.prompt_tokens.empty()) {
        throw InputError(
            "workload.prompt_tokens says only how long the prompts are, and a run needs their "
            "text: give prompts, or see what would happen with headroom simulate"
        );
    }
}

std::vector<std::vector<std::int32_t>> tokenised_prompts(
    const config::WorkloadConfig& workload, const model::Tokenizer& tokenizer, std::int64_t context
) {
    check_prompts_are_texts(workload);
    std::vector<std::vector<std::int32_t>> prompts;
    std::vector<std::int64_t> lengths;
    for (const std::string& prompt : workload.prompts) {
        prompts.push_back(tokenizer.encode(prompt));
        lengths.push_back(static_cast<std::int64_t>(prompts.back().size()));
    }
    check_prompt_lengths(lengths, workload, context);
    return prompts;
}

} // namespace headroom::runtime
