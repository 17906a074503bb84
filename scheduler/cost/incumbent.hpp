// A candidate placement of a search, with its memory, D_inf (time of a decode step) and D_mig (time
// to migrate) kept up to date while blocks are moved. The last change can be undone. Unless an
// operation or message never ends, the numbers equal those of evaluate(). Under cost profile
// `paper` D_T and D_mig follow from the published formulas, rounded to nanoseconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/ids.hpp"
#include "base/int128.hpp"
#include "base/units.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/cost/memory_ledger.hpp"
#include "scheduler/cost/migration_cost_paper.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

/// One change of a candidate: the block goes to device `to`.
struct Relocation {
    BlockId block;
    DeviceId to;
};

/// What a candidate costs. `objective` has 128 bits for sums of kStall (which stands for "never").
struct Score {
    Bytes shortage = 0;   ///< bytes beyond the budgets; 0 if the placement fits
    Int128 objective = 0; ///< D_mig + λ·D_inf (or λ·D_T), ns
    /// sum of all transfer times; breaks the many ties of D_mig, which is a maximum
    Nanoseconds transfers = 0;
    Nanoseconds migration = 0; ///< D_mig
};

/// The candidate. Searches change the candidate with attempt() and undo().
class Draft {
  public:
    /// Keeps pointers to both arguments.
    Draft(const Problem& problem, const StepDelay& step, const Placement& placement);
    /// Copies a candidate and times the copy by another StepDelay of the same problem.
    Draft(const Draft& other, const StepDelay& step);

    [[nodiscard]] const Score& score() const { return score_; }
    [[nodiscard]] Nanoseconds inference() const { return inference_; }
    [[nodiscard]] Nanoseconds migration() const { return score_.migration; }
    [[nodiscard]] const Placement& placement() const { return ledger_.placement(); }
    [[nodiscard]] const Ledger& ledger() const { return ledger_; }
    [[nodiscard]] Moves& moves() { return moves_; }
    [[nodiscard]] const Moves& moves() const { return moves_; }

    /// Returns an upper bound of what D_mig would become if the block moved to `to`.
    [[nodiscard]] Nanoseconds migration_bound_with(BlockId b, DeviceId to) const {
        return moves_.total_bound_with(score_.migration, b, ledger_.where(b), to);
    }
    /// Applies the changes one after the other and evaluates the result. If the shortage would
    /// exceed `max_shortage`, the candidate stays as it is and the function returns false. Pinned
    /// blocks are not moved.
    bool attempt(
        std::span<const Relocation> changes, Bytes max_shortage = std::numeric_limits<Bytes>::max()
    );
    /// Undoes the last successful attempt. Precondition: that attempt has not been undone yet.
    void undo();
    /// Returns the number of layer evaluations so far, where a refused attempt counts as one.
    /// Searches are limited by this number.
    [[nodiscard]] std::int64_t evaluations() const { return evaluations_; }

    [[nodiscard]] std::size_t layers() const { return proj_.size(); }
    [[nodiscard]] std::size_t devices() const { return step_->devices(); }
    [[nodiscard]] std::int32_t units_on(Unit unit, std::size_t layer, std::size_t d) const {
        return (unit == Unit::group ? group_counts_ : slice_counts_)[layer * devices() + d];
    }
    /// Returns the layer as StepDelay takes it. Its pointers are valid until the candidate changes.
    [[nodiscard]] StepDelay::LayerShape shape(std::size_t layer) const {
        const std::int32_t* const slices =
            slice_counts_.empty() ? nullptr : &slice_counts_[layer * devices()];
        return {&group_counts_[layer * devices()], proj_[layer], ffn_[layer], slices};
    }
    [[nodiscard]] std::size_t lm_head() const { return lm_head_; }
    /// Return the device of a layer's proj or ffn; with granularity `sliced` that of its hub.
    [[nodiscard]] std::size_t proj(std::size_t layer) const { return proj_[layer]; }
    [[nodiscard]] std::size_t ffn(std::size_t layer) const { return ffn_[layer]; }
    /// Returns the device that holds x when the layer starts.
    [[nodiscard]] std::size_t activation_device(std::size_t layer) const {
        return layer == 0 ? first_activation_device_ : ffn_[layer - 1];
    }
    [[nodiscard]] Nanoseconds layer_time(std::size_t layer) const { return times_[layer].whole; }
    /// Returns the part of layer_time() until proj has computed (`sliced`: until the hub has the
    /// groups' sum).
    [[nodiscard]] Nanoseconds until_proj(std::size_t layer) const {
        return times_[layer].until_proj;
    }
    /// Returns until_proj() for groups, and the rest of layer_time() for slices.
    [[nodiscard]] Nanoseconds stage_time(Unit unit, std::size_t layer) const {
        return unit == Unit::group ? until_proj(layer) : layer_time(layer) - until_proj(layer);
    }

  private:
    struct AppliedMove {
        BlockId block;
        DeviceId from;
        DeviceId to;
    };
    struct OldTime {
        std::size_t layer = 0;
        StepDelay::LayerTime time;
    };
    void track(BlockId b, DeviceId from, DeviceId to);
    void touch(std::size_t layer);
    void evaluate_touched_layers();

    const Problem* problem_;
    const StepDelay* step_;
    Ledger ledger_;
    Moves moves_;
    std::vector<std::int32_t> group_counts_; ///< [layer][device]
    std::vector<std::int32_t> slice_counts_; ///< [layer][device]; empty if not sliced
    std::vector<std::size_t> proj_;
    std::vector<std::size_t> ffn_;
    std::size_t first_activation_device_;
    std::size_t lm_head_ = 0;
    std::vector<StepDelay::LayerTime> times_; ///< per layer
    Nanoseconds layers_time_ = 0;             ///< sum of times_
    Nanoseconds inference_ = 0;
    Score score_;

    std::vector<AppliedMove> applied_; ///< the moves of the last attempt, in order
    std::vector<OldTime> undo_times_;
    std::vector<OldTime> restored_; ///< the layer times of the attempt that undo() reverts
    std::vector<bool> touched_;
    MoveDelay::SlowestLane old_slowest_lane_;
    Nanoseconds old_inference_ = 0;
    Score old_score_;
    std::int64_t evaluations_ = 0;
};

} // namespace headroom::scheduler
