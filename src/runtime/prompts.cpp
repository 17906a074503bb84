#include "runtime/prompts.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"

namespace headroom::runtime {

namespace {

/// What is wrong with a prompt of so many tokens, or "".
std::string problem_with(std::int64_t prompt, std::int64_t tokens, std::int64_t context) {
    if (prompt == 0) {
        return "is empty and the model has no begin-of-text token: give a prompt";
    }
    // The last sampled token needs no row of its own.
    const std::int64_t most = std::max<std::int64_t>(0, context - prompt + 1);
    if (tokens <= most) {
        return "";
    }
    if (most == 0) {
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
        most
    );
}

} // namespace

std::vector<std::vector<std::int32_t>> tokenised_prompts(
    const config::WorkloadConfig& workload, const model::Tokenizer& tokenizer, std::int64_t context
) {
    const std::size_t count = workload.prompts.size();
    std::vector<std::vector<std::int32_t>> prompts;
    std::string problems;
    for (std::size_t i = 0; i < count; ++i) {
        prompts.push_back(tokenizer.encode(workload.prompts[i]));
        const auto length = static_cast<std::int64_t>(prompts.back().size());
        const std::string problem = problem_with(length, workload.tokens, context);
        if (!problem.empty()) {
            problems += fmt::format(
                "{}{} {}",
                problems.empty() ? "" : "\n",
                count == 1 ? "the prompt" : fmt::format("prompt {} of {}:", i + 1, count),
                problem
            );
        }
    }
    if (!problems.empty()) {
        throw InputError(problems);
    }
    return prompts;
}

} // namespace headroom::runtime
