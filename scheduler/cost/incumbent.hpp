// A placement under search: memory, D_inf and D_mig kept exactly while blocks are moved about, and
// any attempt can be taken back. Without stalls the numbers equal those of evaluate(); under cost
// profile `paper` they are its D_T and D_mig, rounded to nanoseconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "base/wide.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/cost/memory_ledger.hpp"
#include "scheduler/cost/migration_cost_paper.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

/// Sums of stalled times and many tokens exceed 64 bits.
struct Relocation {
    BlockId block;
    DeviceId to;
};

struct Score {
    Bytes shortage = 0;        ///< 0: it fits
    Wide objective = 0;        ///< D_mig + λ·D_inf (or λ·D_T)
    Nanoseconds transfers = 0; ///< sum of all that moves: breaks ties, D_mig is the slowest
    Nanoseconds migration = 0; ///< D_mig alone
};

class Draft {
  public:
    /// Keeps pointers to both arguments.
    Draft(const Problem& problem, const StepDelay& step, const Placement& placement);
    /// The same placement, timed by another step of the same problem and devices.
    Draft(const Draft& other, const StepDelay& step);

    [[nodiscard]] const Score& score() const { return score_; }
    [[nodiscard]] Nanoseconds inference() const { return inference_; }
    [[nodiscard]] Nanoseconds migration() const { return migration_; }
    [[nodiscard]] const Placement& placement() const { return ledger_.placement(); }
    [[nodiscard]] const Ledger& ledger() const { return ledger_; }
    [[nodiscard]] Moves& moves() { return moves_; }
    [[nodiscard]] const Moves& moves() const { return moves_; }

    /// Makes the changes one after the other, unless they would leave more shortage than that:
    /// then nothing changes, nothing is evaluated, and the answer is false.
    bool attempt(
        std::span<const Relocation> changes, Bytes most_shortage = std::numeric_limits<Bytes>::max()
    );
    /// Takes the last attempt that was made back; only once per attempt.
    void undo();
    /// Layers evaluated so far, and attempts refused: the unit in which searches are limited.
    [[nodiscard]] std::int64_t evaluations() const { return evaluations_; }

    [[nodiscard]] std::size_t layers() const { return proj_.size(); }
    [[nodiscard]] std::size_t devices() const { return step_->devices(); }
    [[nodiscard]] std::int32_t groups_on(std::size_t layer, std::size_t d) const {
        return counts_[layer * devices() + d];
    }
    [[nodiscard]] std::int32_t slices_on(std::size_t layer, std::size_t d) const {
        return slices_[layer * devices() + d];
    }
    [[nodiscard]] std::int32_t units_on(Unit unit, std::size_t layer, std::size_t d) const {
        return unit == Unit::group ? groups_on(layer, d) : slices_on(layer, d);
    }
    /// What step_delay asks of a layer.
    [[nodiscard]] StepDelay::LayerShape shape(std::size_t layer) const {
        const std::int32_t* const slices = slices_.empty() ? nullptr : &slices_[layer * devices()];
        return {&counts_[layer * devices()], proj_[layer], ffn_[layer], slices};
    }
    [[nodiscard]] std::size_t lm_head() const { return lm_head_; }
    /// Sliced: proj and ffn are both the hub's device.
    [[nodiscard]] std::size_t proj(std::size_t layer) const { return proj_[layer]; }
    [[nodiscard]] std::size_t ffn(std::size_t layer) const { return ffn_[layer]; }
    [[nodiscard]] std::size_t holder(std::size_t layer) const {
        return layer == 0 ? first_holder_ : ffn_[layer - 1];
    }
    [[nodiscard]] Nanoseconds layer_time(std::size_t layer) const { return times_[layer].whole; }
    /// Of it, until proj has computed; sliced: until the hub has the groups' sum.
    [[nodiscard]] Nanoseconds until_proj(std::size_t layer) const {
        return times_[layer].until_proj;
    }

  private:
    struct Made {
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
    void settle();

    const Problem* problem_;
    const StepDelay* step_;
    Ledger ledger_;
    Moves moves_;
    std::vector<std::int32_t> counts_; ///< [layer][device]
    std::vector<std::int32_t> slices_; ///< [layer][device]; empty if not sliced
    std::vector<std::size_t> proj_;
    std::vector<std::size_t> ffn_;
    std::size_t first_holder_;
    std::size_t lm_head_ = 0;
    std::vector<StepDelay::LayerTime> times_; ///< per layer
    Nanoseconds layers_time_ = 0;             ///< their sum
    Nanoseconds inference_ = 0;
    Nanoseconds migration_ = 0;
    Score score_;

    std::vector<Made> made_; ///< by the last attempt, in order
    std::vector<OldTime> undo_times_;
    std::vector<OldTime> settled_; ///< those of the attempt that is taken back
    std::vector<bool> touched_;
    MoveDelay::Known old_known_;
    Nanoseconds old_inference_ = 0;
    Nanoseconds old_migration_ = 0;
    Score old_score_;
    std::int64_t evaluations_ = 0;
};

} // namespace headroom::scheduler
