// A decision's question and answer, both plain values: problem in, decision out.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/stop_check.hpp"
#include "base/units.hpp"
#include "scheduler/core/blocks.hpp"
#include "scheduler/core/fleet.hpp"
#include "scheduler/core/paper_costs.hpp"
#include "scheduler/core/paper_settings.hpp"

namespace headroom::scheduler {

enum class CostProfile : std::uint8_t { physical, paper };

/// What a placement is to be good at: one sequence's step, or all sequences' together.
enum class Aim : std::uint8_t { latency, throughput };

/// A prompt that is still to be taken in by a slot: the rest of its sequence's own, or that of the
/// request that waits for it.
struct PromptAhead {
    std::int64_t rows = 0;   ///< of it that are in the cache
    std::int64_t left = 0;   ///< tokens; 0: there is none
    std::int64_t tokens = 0; ///< that its sequence samples at most
    bool operator==(const PromptAhead&) const = default;
};

/// One sequence in flight, or one that is about to be, as a decision finds it.
struct InFlight {
    std::int64_t context = 0; ///< T of this sequence: prompt + sampled − 1
    std::int64_t rows = 0;    ///< of its cache in use; 0 before its prefill
    PromptAhead prompt{};
    bool operator==(const InFlight&) const = default;
};

/// Everything a policy may look at. Contexts as in docs/explanation/time.md#decisions: T = prompt +
/// sampled − 1; costs and memory are those at T + interval; `rows` cache rows (0 before prefill)
/// move.
struct Problem {
    const Blocks* blocks = nullptr;
    Snapshot snapshot;
    DeviceId source{0};
    std::optional<Placement> previous;
    std::int64_t context = 0; ///< T, of several sequences the largest
    std::int64_t rows = 0;    ///< cache rows that a moved group takes along, of all sequences
    /// All sequences in flight until the next decision; empty: one, at `context`.
    std::vector<InFlight> sequences{};
    Aim aim = Aim::latency;
    /// Turns that are joined into one operation; 0: as many as the decision finds best.
    std::int64_t batch = 1;
    /// Most tokens of a prompt that are taken in at once; 0: whole prompts.
    std::int64_t prefill_chunk = 0;
    std::int64_t interval = 1; ///< λ
    Bytes buffers = 0;         ///< per device that holds any block
    CostProfile cost_profile = CostProfile::physical;
    double t_budget_s = 1.0; ///< paper profile's compute constraint
    std::int64_t prompt = 0; ///< L₀, for the paper profile
    PaperSettings paper{};   ///< what the published method leaves open
    /// Every device has all weights in its own storage: a moved block reads them there, and only
    /// its cache rows are sent.
    bool weights_everywhere = false;
    /// Per device the memory that it is safe to use: the least that it had lately, less a reserve;
    /// empty: all that it has. What fits is a matter of the snapshot alone.
    std::vector<Bytes> safe_memory{};
    /// embed and lm_head are pinned to the source; else they go where a policy wants them.
    bool ends_at_source = false;
    /// Tokens that are still expected: a migration is weighed against so many steps instead of λ.
    /// 0: myopic, as docs/explanation/time.md#the-objective has it by default.
    std::int64_t look_ahead = 0;
    std::int64_t node_limit = 200'000; ///< policy exact: search nodes before it reports its bound
    std::uint64_t seed = 0;
    std::int64_t epoch = 0; ///< serial number of the placement in force
    /// Asked by searches now and then; a decision that is no longer wanted ends with
    /// InterruptedError.
    StopCheck stop = nullptr;

    [[nodiscard]] std::int64_t horizon() const { return context + interval; } ///< T + λ
    /// Sequences in flight, at least 1.
    [[nodiscard]] std::int64_t in_flight() const {
        return sequences.empty() ? 1 : static_cast<std::int64_t>(sequences.size());
    }
    /// The context of one sequence that would take as much cache memory as all do at T + λ: whole
    /// pages of each.
    [[nodiscard]] std::int64_t memory_context() const;
    /// Steps over which a migration must pay: λ, or the expected tokens if they are more.
    [[nodiscard]] std::int64_t steps() const { return std::max(interval, look_ahead); }
    /// Rounds over which the time for prompts is spread: as many as their sequences sample tokens,
    /// on average, at least λ. 0: there are no prompts to take in.
    [[nodiscard]] std::int64_t prompts_spread() const;
    [[nodiscard]] bool pinned(BlockId b) const {
        return ends_at_source && blocks->name(b).layer < 0;
    }
    /// Where the paper's costs are taken: n = T + λ − L₀ generated tokens, not below 0.
    [[nodiscard]] PaperLength paper_costs_at() const;
    /// Where the paper's D_mig is: n = T − L₀, as of the end of the previous interval.
    [[nodiscard]] PaperLength paper_moves_at() const;
    [[nodiscard]] PaperMoved paper_moved() const {
        return weights_everywhere ? PaperMoved::cache : PaperMoved::all;
    }
};

/// The predictions are made under either cost profile: `inference` and `migration` of the
/// execution, which is always physical, and the paper's formulas beside them.
struct Decision {
    Placement placement;                                            ///< empty if infeasible
    Nanoseconds inference = kNever;                                 ///< predicted D_inf
    Nanoseconds migration = 0;                                      ///< predicted D_mig
    double paper_delay_s = std::numeric_limits<double>::infinity(); ///< the paper's D_T
    double paper_migration_s = 0;                                   ///< the paper's D_mig
    std::int64_t batch = 1;     ///< turns that are joined into one operation
    Nanoseconds round = kNever; ///< predicted time of one round of all sequences in flight
    /// Predicted time for the prompts that are still to be taken in, beyond rounds without them.
    Nanoseconds prompts = 0;
    bool feasible = false;
    std::string reason;           ///< why not feasible, or why this placement, in one sentence
    std::int64_t evaluations = 0; ///< work done, counted
    /// Proven: no feasible placement has a smaller objective than this, in seconds. Only of
    /// `exact`.
    std::optional<double> bound{};
    bool proven = false; ///< this placement is an optimum, or it is proven that nothing fits
};

/// What the device has, also in a problem that holds it to less.
[[nodiscard]] Bytes memory_there(const Problem& problem, DeviceId d);

} // namespace headroom::scheduler
