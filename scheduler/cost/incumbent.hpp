// The incumbent: the placement that a search changes step by step, with its memory, D_inf (time of
// a decode step) and D_mig (time to migrate) kept up to date while blocks are moved. The last
// change can be undone. The values equal those of evaluate() (timing/evaluate.hpp), except that
// what never ends counts as kStall (step_cost.hpp). Under cost profile `paper` they are those of
// the published formulas, rounded, with D_T for D_inf.
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

/// One change of a placement: the block goes to device `to`.
struct Relocation {
    BlockId block;
    DeviceId to;
};

/// What a placement costs. `objective` has 128 bits, because the sum of many times of kStall, each
/// for something that never ends, may not fit in 64.
struct Score {
    Bytes shortage = 0;   ///< bytes beyond the budgets; 0 if the placement fits
    Int128 objective = 0; ///< D_mig + λ·D_inf (or λ·D_T), ns; λ is problem.steps()
    /// Decides between placements with equal objectives; less is better. Here it is the sum of all
    /// transfer times: many placements have equal D_mig, because only the slowest link or storage
    /// counts in D_mig.
    Nanoseconds tie_break = 0;
    Nanoseconds migration = 0; ///< D_mig
};

/// Searches change it by attempt() and undo().
class Incumbent {
  public:
    /// Keeps pointers to `problem` and `step`.
    Incumbent(const Problem& problem, const StepDelay& step, const Placement& placement);
    /// Copies an incumbent but computes its times by `step`, another StepDelay of the same problem.
    Incumbent(const Incumbent& other, const StepDelay& step);

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
    /// Applies the changes one after the other, computes the score and returns true. If the
    /// shortage would exceed `max_shortage`, the function changes nothing and returns false.
    /// Changes of pinned blocks, which must stay on the source, are left out.
    bool attempt(
        std::span<const Relocation> changes, Bytes max_shortage = std::numeric_limits<Bytes>::max()
    );
    /// Undoes the last attempt that returned true. Precondition: it has not been undone yet.
    void undo();
    /// Returns how many layers have been timed so far. An attempt that timed no layer counts as one
    /// layer, so that every attempt counts towards the limit of a search.
    [[nodiscard]] std::int64_t evaluations() const { return evaluations_; }

    [[nodiscard]] std::size_t layers() const { return proj_.size(); }
    [[nodiscard]] std::size_t devices() const { return step_->devices(); }
    [[nodiscard]] std::int32_t units_on(Unit unit, std::size_t layer, std::size_t d) const {
        return (unit == Unit::group ? group_counts_ : slice_counts_)[layer * devices() + d];
    }
    /// Returns where the layer's blocks are, in the form that StepDelay takes. The result is valid
    /// until the incumbent changes.
    [[nodiscard]] StepDelay::LayerShape shape(std::size_t layer) const {
        const std::int32_t* const slices =
            slice_counts_.empty() ? nullptr : &slice_counts_[layer * devices()];
        return {&group_counts_[layer * devices()], proj_[layer], ffn_[layer], slices};
    }
    [[nodiscard]] std::size_t lm_head() const { return lm_head_; }
    /// Returns the device of a layer's proj; with granularity `sliced`, proj() and ffn() both
    /// return the device of the layer's hub, which adds up outputs.
    [[nodiscard]] std::size_t proj(std::size_t layer) const { return proj_[layer]; }
    [[nodiscard]] std::size_t ffn(std::size_t layer) const { return ffn_[layer]; }
    /// Returns the device that has x, the residual stream, when the layer starts.
    [[nodiscard]] std::size_t activation_device(std::size_t layer) const {
        return layer == 0 ? first_activation_device_ : ffn_[layer - 1];
    }
    [[nodiscard]] Nanoseconds layer_time(std::size_t layer) const { return times_[layer].whole; }
    /// Returns the time from the start of the layer until proj has computed (`sliced`: until the
    /// hub has the groups' sum), which is a part of layer_time().
    [[nodiscard]] Nanoseconds until_proj(std::size_t layer) const {
        return times_[layer].until_proj;
    }
    /// Returns the part of layer_time() in which units of this kind compute.
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
    std::vector<OldTime> restored_; ///< the layer times that undo() puts back
    std::vector<bool> touched_;
    MoveDelay::SlowestLane old_slowest_lane_;
    Nanoseconds old_inference_ = 0;
    Score old_score_;
    std::int64_t evaluations_ = 0;
};

} // namespace headroom::scheduler
