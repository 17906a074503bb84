// What is to be decoded: one request per sequence, in the order in which slots are given to them.
#pragma once

#include <cstdint>
#include <vector>

#include "base/units.hpp"
#include "config/scenario/scenario.hpp"
#include "runtime/messages/recheck.hpp"
#include "runtime/messages/resume_point.hpp"
#include "scheduler/core/blocks.hpp"
#include "scheduler/core/shape.hpp"

namespace headroom::runtime {

struct Request {
    const std::vector<std::int32_t>* prompt = nullptr; ///< its ids, at least one
    std::int64_t limit = 1;                            ///< of sampled tokens
    Nanoseconds arrival = 0;
    /// Of a sequence that goes on after its run was broken off: prompt and the tokens that it had.
    std::vector<std::int32_t> history{};
    std::uint64_t last_logits = 0; ///< checksum of those that its last token was chosen from
    Nanoseconds begun = -1;        ///< when it was first given a slot; -1: not yet

    [[nodiscard]] std::int64_t prompt_tokens() const {
        return static_cast<std::int64_t>(prompt->size());
    }
    /// What its caches are computed from before the first step.
    [[nodiscard]] const std::vector<std::int32_t>& taken_in() const {
        return history.empty() ? *prompt : history;
    }
    [[nodiscard]] std::int64_t taken_in_tokens() const {
        return static_cast<std::int64_t>(taken_in().size());
    }
    /// Tokens that it had before.
    [[nodiscard]] std::int64_t sampled_before() const {
        return taken_in_tokens() - prompt_tokens();
    }
    /// Of the rows from `first` on that are taken in together.
    [[nodiscard]] Recheck recheck_among(std::int64_t first, std::int64_t rows) const {
        const std::int64_t row = taken_in_tokens() - 2; // the last token was sampled from it
        const bool has = sampled_before() > 0 && first <= row && row < first + rows;
        return has ? Recheck{row - first, taken_in().back(), last_logits} : Recheck{};
    }
    /// Rows that its caches never exceed: the last sampled token needs none.
    [[nodiscard]] std::int64_t most_rows() const { return prompt_tokens() + limit - 1; }
};

/// `prompts`: the different ones, which must outlive the requests. `resume`: null from the start.
[[nodiscard]] std::vector<Request> requests_of(
    const config::Scenario& scenario,
    const std::vector<std::vector<std::int32_t>>& prompts,
    const ResumePoint* resume = nullptr
);

/// Sequences that have not ended, in the order in which they are given slots.
[[nodiscard]] std::vector<std::int64_t> queue_of(std::size_t requests, const ResumePoint* resume);

/// Turns that share a pass over the weights at most; more that are joined take several.
inline constexpr std::int64_t kMostJoined = 16;

/// What buffers must hold.
[[nodiscard]] scheduler::TurnSizes turn_sizes(
    const config::Scenario& scenario, const std::vector<std::vector<std::int32_t>>& prompts
);

/// Throws InputError if what is to be decoded, in this shape, leads to more bytes or operations
/// than can be counted. `prompts`: ids of the different ones.
void check_sizes(
    const config::Scenario& scenario,
    const scheduler::ModelShape& shape,
    const std::vector<std::vector<std::int32_t>>& prompts
);

} // namespace headroom::runtime
