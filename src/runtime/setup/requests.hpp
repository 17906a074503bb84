// The requests of a run, ordered by arrival. Request i becomes sequence i when its prefill begins.
#pragma once

#include <cstdint>
#include <vector>

#include "base/model_shape.hpp"
#include "base/units.hpp"
#include "config/scenario/scenario.hpp"
#include "runtime/messages/recheck.hpp"
#include "runtime/messages/resume_point.hpp"
#include "scheduler/core/blocks.hpp"

namespace headroom::runtime {

struct Request {
    const std::vector<std::int32_t>* prompt = nullptr; ///< token ids, at least one
    std::int64_t limit = 1;                            ///< largest number of tokens to sample
    Nanoseconds arrival = 0;
    // Set only in a resumed run, for a request that got a slot before the run was resumed:
    std::vector<std::int32_t> history{}; ///< the prompt and the recorded sampled tokens
    std::uint64_t last_logits = 0;       ///< checksum of the logits of the last recorded token
    Nanoseconds begun_at = -1;           ///< when the request got its first slot; -1: not yet

    [[nodiscard]] std::int64_t prompt_tokens() const {
        return static_cast<std::int64_t>(prompt->size());
    }
    /// Returns the tokens to be processed in prefill: the prompt or, in a resumed run, the history.
    [[nodiscard]] const std::vector<std::int32_t>& prefill_ids() const {
        return history.empty() ? *prompt : history;
    }
    [[nodiscard]] std::int64_t prefill_tokens() const {
        return static_cast<std::int64_t>(prefill_ids().size());
    }
    /// Returns the number of tokens that were sampled before the run was resumed.
    [[nodiscard]] std::int64_t sampled_before() const { return prefill_tokens() - prompt_tokens(); }
    /// Returns the data for sampling the last recorded token again (recheck.hpp) in a prefill turn
    /// (forward pass) that computes `rows` cache rows from row `first` on. The data are empty if
    /// the turn does not compute the row from which that token is sampled.
    [[nodiscard]] Recheck recheck_in(std::int64_t first, std::int64_t rows) const {
        const std::int64_t row = prefill_tokens() - 2; // the last token was sampled from this row
        const bool has = sampled_before() > 0 && first <= row && row < first + rows;
        return has ? Recheck{row - first, prefill_ids().back(), last_logits} : Recheck{};
    }
    /// Returns the largest number of cache rows of the request. The last sampled token needs none.
    [[nodiscard]] std::int64_t max_rows() const { return prompt_tokens() + limit - 1; }
};

/// Returns all requests of the scenario. prompts: the distinct prompts, which must outlive the
/// requests. resume: null if the run starts from the beginning. Throws InputError if `resume` has a
/// sequence that the scenario lacks.
[[nodiscard]] std::vector<Request> requests_of(
    const config::Scenario& scenario,
    const std::vector<std::vector<std::int32_t>>& prompts,
    const ResumePoint* resume = nullptr
);

/// Returns the numbers of the requests that have not ended, in the order in which they get slots.
/// requests: the number of all requests.
[[nodiscard]] std::vector<std::int64_t> queue_of(std::size_t requests, const ResumePoint* resume);

/// The largest number of decode turns that share one read of the weights. A larger batch is split
/// into parts, and each part reads the weights.
inline constexpr std::int64_t kMaxJoined = 16;

/// Returns the sizes that determine the buffers: the largest number of tokens of a turn, the number
/// of slots, and the largest number of decode turns that share one read of the weights.
[[nodiscard]] scheduler::TurnSizes turn_sizes(
    const config::Scenario& scenario, const std::vector<std::vector<std::int32_t>>& prompts
);

/// Throws InputError, naming `controller.slices`, if the scenario's number of slices does not
/// divide the width of this shape's feed-forward network, or with all reasons why its given
/// placement (policy `given`) is not one of this shape.
void check_cut(const config::Scenario& scenario, const ModelShape& shape);

/// Throws InputError if the requests, with a model of this shape, need more bytes or FLOP than the
/// integer types can count. prompts: token ids of the distinct prompts.
void check_sizes(
    const config::Scenario& scenario,
    const ModelShape& shape,
    const std::vector<std::vector<std::int32_t>>& prompts
);

} // namespace headroom::runtime
