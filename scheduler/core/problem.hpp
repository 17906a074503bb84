// The input and the output of a policy: a Problem and a Decision. Both are plain values.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "base/ids.hpp"
#include "base/stop_check.hpp"
#include "base/units.hpp"
#include "scheduler/core/blocks.hpp"
#include "scheduler/core/explanation.hpp"
#include "scheduler/core/fleet.hpp"
#include "scheduler/core/paper_costs.hpp"

namespace headroom::scheduler {

/// The formulas for the costs and memory that a policy uses; see docs/reference/policies.md.
enum class CostProfile : std::uint8_t { physical, paper };

/// What a policy minimises beside D_mig (the time to migrate): the time of one sequence's step, or
/// the time of a round of all sequences (`controller.objective`).
enum class Aim : std::uint8_t { latency, throughput };

/// The prompt that a slot (the place of one sequence in flight) has to prefill next: the rest of
/// the sequence's own prompt, or the prompt of the next request for this slot.
struct PendingPrompt {
    std::int64_t rows = 0;           ///< cache rows that the prompt already has
    std::int64_t remaining = 0;      ///< tokens to prefill; 0 if there is no such prompt
    std::int64_t max_new_tokens = 0; ///< the most tokens that will be sampled after it
    bool operator==(const PendingPrompt&) const = default;
};

/// A sequence in flight at the time of a decision, or a request that may begin at this decision.
struct InFlight {
    std::int64_t context = 0; ///< T of this sequence: tokens of the prompt + sampled tokens − 1
    std::int64_t rows = 0;    ///< used rows of its KV cache; 0 before its prefill
    PendingPrompt prompt{};
    bool operator==(const InFlight&) const = default;
};

/// Everything on which a decision may depend. Policies compute costs and memory at context T + λ,
/// that of the next decision. See docs/explanation/time.md#decisions.
struct Problem {
    const Blocks* blocks = nullptr;
    Snapshot snapshot;
    DeviceId source{0};
    std::optional<Placement> previous; ///< the placement in force; nullopt at the first decision
    std::int64_t context = 0;          ///< T of the longest sequence
    std::int64_t rows = 0; ///< used cache rows of all sequences, which move with a group
    /// All sequences in flight until the next decision; empty stands for one with T = `context`.
    std::vector<InFlight> sequences{};
    Aim aim = Aim::latency;
    /// The batch size: the turns of different sequences that are computed together; 0 if the
    /// decision is to choose it.
    std::int64_t batch = 1;
    /// The most tokens of a prompt in one turn; 0 if a turn takes a whole prompt.
    std::int64_t prefill_chunk = 0;
    std::int64_t interval = 1; ///< λ, the decode steps until the next decision
    Bytes buffers = 0;         ///< bytes of buffers of each device that has a block
    CostProfile cost_profile = CostProfile::physical;
    double t_budget_s = 1.0; ///< T_budget of cost profile `paper`: time for a layer on a device
    std::int64_t prompt = 0; ///< L₀ of cost profile `paper`: tokens of the prompt
    PaperSettings paper{};
    /// Whether every device has all weights in its own storage. A migrated block is then loaded
    /// from there, and only its cache rows are sent.
    bool weights_everywhere = false;
    /// The memory of each device that policies use unless nothing fits in it; if this is empty, all
    /// (docs/reference/policies.md). A placement that needs more is feasible if it fits in the
    /// snapshot's memory.
    std::vector<Bytes> safe_memory{};
    /// Whether embed and lm_head must stay on the source; if not, a policy may place them anywhere.
    bool ends_at_source = false;
    /// The number of tokens that are still expected. If it is more than λ, a migration has to pay
    /// for itself within this number of steps instead of λ. 0 leaves λ in force
    /// (docs/explanation/time.md#the-objective).
    std::int64_t look_ahead = 0;
    std::int64_t node_limit = 200'000; ///< the most search nodes of policy `exact`
    std::uint64_t seed = 0;
    std::int64_t epoch = 0; ///< serial number of the placement in force
    /// Searches call this now and then; it throws InterruptedError to end the decision.
    StopCheck stop = nullptr;

    [[nodiscard]] std::int64_t horizon() const { return context + interval; } ///< T + λ
    /// Returns the number of sequences in flight, at least 1.
    [[nodiscard]] std::int64_t in_flight() const {
        return sequences.empty() ? 1 : static_cast<std::int64_t>(sequences.size());
    }
    /// Returns whether the objective counts the time of a round (one turn of every sequence).
    /// Otherwise, as with one sequence or by the paper's formulas, it counts one sequence's step.
    [[nodiscard]] bool counts_rounds() const {
        return aim == Aim::throughput && in_flight() > 1 && cost_profile == CostProfile::physical;
    }
    /// Returns the context of a single sequence whose KV cache would need as many pages as those of
    /// all sequences at T + λ together.
    [[nodiscard]] std::int64_t memory_context() const;
    /// Returns the number of steps within which a migration must pay: λ, or `look_ahead` if more.
    [[nodiscard]] std::int64_t steps() const { return std::max(interval, look_ahead); }
    /// Returns the number of rounds over which an objective spreads the time of pending prompts:
    /// the mean of their max_new_tokens, but at least λ. Returns 0 if no prompt is pending.
    [[nodiscard]] std::int64_t prompt_spread_rounds() const;
    /// Returns whether block b must stay on the source.
    [[nodiscard]] bool is_pinned(BlockId b) const {
        return ends_at_source && blocks->name(b).layer < 0;
    }
    /// Returns the length for the paper's block costs: generated = T + λ − L₀, but at least 0.
    [[nodiscard]] PaperLength paper_cost_length() const;
    /// Returns the length for the paper's D_mig: generated = T − L₀, but at least 0.
    [[nodiscard]] PaperLength paper_migration_length() const;
    [[nodiscard]] Bytes paper_moved_bytes(BlockId b) const;
};

/// A placement with its predictions. `inference`, `migration`, `round` and `prompts` predict the
/// execution under either cost profile; the members paper_… are by the paper's formulas.
struct Decision {
    Placement placement;            ///< empty if infeasible
    Nanoseconds inference = kNever; ///< D_inf, the time of a decode step
    Nanoseconds migration = 0;      ///< D_mig, the time to migrate
    double paper_delay_s = std::numeric_limits<double>::infinity(); ///< the paper's D_inf, D_T
    double paper_migration_s = 0;                                   ///< the paper's D_mig
    std::int64_t batch = 1;                                         ///< batch size
    Nanoseconds round = kNever; ///< predicted time of one round of all sequences in flight
    /// Predicted time that pending prompts add to the rounds.
    Nanoseconds prompts = 0;
    bool feasible = false;
    Explanation why{};            ///< why this placement, or why the decision is infeasible
    std::int64_t evaluations = 0; ///< number of evaluations, the measure of a search's effort
    /// A lower bound of the objective of every feasible placement, in seconds. Set by `exact` only.
    std::optional<double> bound{};
    bool proven = false; ///< whether it is proven that the placement is optimal, or that none fits
};

/// Returns the memory that the device really has. To keep a reserve, resource_aware derives a
/// problem whose snapshot has less memory and whose `safe_memory` has all.
[[nodiscard]] Bytes actual_memory(const Problem& problem, DeviceId d);

} // namespace headroom::scheduler
