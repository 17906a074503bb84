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
#include "scheduler/core/given_placement.hpp"
#include "scheduler/core/paper_costs.hpp"

namespace headroom::scheduler {

/// The formulas by which a policy computes costs and memory; see docs/reference/policies.md.
enum class CostProfile : std::uint8_t { physical, paper };

/// What a policy minimises together with D_mig (the time to migrate), as `controller.objective`
/// sets it. With `latency` it is the time of a decode step of one sequence. With `throughput` it is
/// the time of a round, in which every sequence does one step.
enum class Aim : std::uint8_t { latency, throughput };

/// The prompt that a slot (the place of one sequence in flight) has to prefill next: the rest of
/// the sequence's own prompt, or the prompt of the next request for this slot.
struct PendingPrompt {
    std::int64_t rows = 0;           ///< number of tokens already prefilled
    std::int64_t remaining = 0;      ///< number of tokens to prefill; 0 if no prompt is pending
    std::int64_t max_new_tokens = 0; ///< the most tokens that will be sampled after the prompt
    bool operator==(const PendingPrompt&) const = default;
};

/// A sequence in flight at the time of a decision, or a request that may begin at this decision.
struct InFlight {
    /// T: tokens of the prompt + sampled tokens − 1, because the last sampled token is not in the
    /// cache yet. If any sequence has no slot yet, T of every sequence is instead its largest
    /// possible length − λ. The memory for T + λ is then enough until the sequence ends.
    std::int64_t context = 0;
    std::int64_t rows = 0; ///< used rows (tokens) of the sequence's KV cache; 0 before prefill
    PendingPrompt prompt{};
    bool operator==(const InFlight&) const = default;
};

/// Everything on which a decision may depend. The next decision comes after λ decode steps, so
/// policies compute costs and memory at context T + λ. See docs/explanation/time.md#decisions.
struct Problem {
    const Blocks* blocks = nullptr;
    Snapshot snapshot;
    DeviceId source{0};
    std::optional<Placement> previous; ///< the placement in force; nullopt at the first decision
    std::int64_t context = 0;          ///< T of the longest sequence
    std::int64_t rows = 0; ///< used cache rows of all sequences; a group that moves sends them all
    /// All sequences that are in flight between this decision and the next. If there is only one
    /// sequence, the list is empty, and T of this sequence is `context`.
    std::vector<InFlight> sequences{};
    /// If set, the results of memory_rows() and moved_rows(). So the only sequence of a problem can
    /// stand for several.
    struct Caches {
        CacheRows held;
        CacheRows moved;
    };
    std::optional<Caches> caches{};
    Aim aim = Aim::latency;
    /// The batch size: the number of sequences whose decode steps are computed together. With 0 the
    /// decision chooses the batch size.
    std::int64_t batch = 1;
    /// The most tokens of a prompt that one forward pass processes; 0 for whole prompts.
    std::int64_t prefill_chunk = 0;
    std::int64_t interval = 1; ///< λ, the decode steps until the next decision
    Bytes buffers = 0;         ///< bytes of the buffers on each device that has any block
    CostProfile cost_profile = CostProfile::physical;
    double t_budget_s = 1.0; ///< T_budget of profile `paper`: limit on a device's seconds per layer
    std::int64_t prompt = 0; ///< L₀ of profile `paper`: tokens of the prompt
    PaperSettings paper{};
    /// Whether every device has all weights in its own storage. Then the receiver of a migrating
    /// block loads the weights from its own storage, and only the cache rows are sent.
    bool weights_everywhere = false;
    /// The bytes of each device that are safe to use; empty if all are. Some policies use more only
    /// if nothing fits in these bytes (docs/reference/policies.md). A placement is feasible if it
    /// fits in the snapshot's memory, even if it needs more than the safe bytes.
    std::vector<Bytes> safe_memory{};
    /// Whether embed and lm_head must be on the source; if not, a policy may place them anywhere.
    bool ends_at_source = false;
    /// The largest number of tokens that any sequence may still sample; 0 if
    /// `controller.look_ahead` is off. If this is more than λ, a migration has to pay for itself
    /// within this number of steps instead of λ (docs/explanation/time.md#the-objective).
    std::int64_t look_ahead = 0;
    double effort = 1.0; ///< scales the limits on the work of searches (`controller.effort`)
    std::int64_t node_limit = 200'000; ///< the most search nodes of policy `exact`
    std::uint64_t seed = 0;
    std::int64_t epoch = 0; ///< serial number of the placement in force
    /// The placement that policy `given` returns; null if the scenario gives none. The scenario
    /// owns it.
    const GivenPlacement* given = nullptr;
    /// Searches call this function now and then, and throw InterruptedError if its result is not 0.
    StopCheck stop = nullptr;

    [[nodiscard]] std::int64_t horizon() const { return context + interval; } ///< T + λ
    /// Returns the number of sequences in flight, at least 1.
    [[nodiscard]] std::int64_t in_flight() const {
        return sequences.empty() ? 1 : static_cast<std::int64_t>(sequences.size());
    }
    /// Returns whether the objective counts the time of a round. Otherwise (with Aim::latency, one
    /// sequence, or the paper's formulas) the objective counts the time of one sequence's step.
    [[nodiscard]] bool counts_rounds() const {
        return aim == Aim::throughput && in_flight() > 1 && cost_profile == CostProfile::physical;
    }
    /// Returns the rows of the pages that the KV caches of all sequences, each at its T + λ, need.
    [[nodiscard]] CacheRows memory_rows() const;
    /// Returns the rows of the KV caches of all sequences that a group sends when it moves.
    [[nodiscard]] CacheRows moved_rows() const;
    /// Returns the number of steps within which a migration must pay for itself.
    [[nodiscard]] std::int64_t steps() const { return std::max(interval, look_ahead); }
    /// Returns the number of rounds over which the objective spreads the time of pending prompts:
    /// the mean of the prompts' max_new_tokens, but at least λ. Returns 0 if no prompt is pending.
    [[nodiscard]] std::int64_t prompt_spread_rounds() const;
    /// Returns whether block b must stay on the source.
    [[nodiscard]] bool is_pinned(BlockId b) const {
        return ends_at_source && blocks->name(b).layer < 0;
    }
    /// Returns the length at the next decision, for block costs: generated = max(0, T + λ − L₀).
    [[nodiscard]] PaperLength paper_cost_length() const;
    /// Returns the present length, for the paper's D_mig: generated = max(0, T − L₀).
    [[nodiscard]] PaperLength paper_migration_length() const;
    [[nodiscard]] Bytes paper_moved_bytes(BlockId b) const;
};

/// A placement with its predictions. `inference`, `migration`, `round` and `prompts` predict the
/// execution under either cost profile; the members paper_… are by the paper's formulas.
struct Decision {
    Placement placement;            ///< empty if infeasible
    Nanoseconds inference = kNever; ///< D_inf, the time of a decode step
    Nanoseconds migration = 0;      ///< D_mig, the time to migrate
    double paper_delay_s = std::numeric_limits<double>::infinity(); ///< D_T, the paper's D_inf
    double paper_migration_s = 0;                                   ///< the paper's D_mig
    std::int64_t batch = 1;                                         ///< batch size
    Nanoseconds round = kNever; ///< predicted time of one round of all sequences in flight
    /// Predicted time that pending prompts add in all to the rounds in which they are processed.
    Nanoseconds prompts = 0;
    bool feasible = false;
    Explanation why{};            ///< why this placement, or why the decision is infeasible
    std::int64_t evaluations = 0; ///< work of the search, as a number of candidates or nodes
    /// A lower bound of the objective of every feasible placement, in seconds. Set by `exact` only.
    std::optional<double> bound{};
    bool proven = false; ///< whether it is proven that the placement is best, or that none fits
};

/// Returns the memory that the device really has. This is more than the snapshot's memory in a
/// problem made by cautious() (search/memory_headroom.hpp). That function lowers the memory in the
/// snapshot, so that policies leave the rest unused. In its result `safe_memory` is not the safe
/// memory but the real one.
[[nodiscard]] Bytes actual_memory(const Problem& problem, DeviceId d);

} // namespace headroom::scheduler
