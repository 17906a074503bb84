// What the exact search needs to know of a problem, tabulated once, in nanoseconds of the
// objective (steps already multiplied in). Durations come from StepDelay and the formulas; what
// never ends is infinite here, so that such placements are found only if all are such.
//
// Words. The *chain* is the sequence of devices that hold x: embed's (without ends the source),
// every layer's ffn's (sliced: hub's), lm_head's (without ends the source). A *pool* is the set of
// interchangeable-by-time units of one layer, its groups or its slices. An *item* is a set of
// blocks that are equal in all that matters: time, bytes, and where they were before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler::exact {

inline constexpr double kInfinite = std::numeric_limits<double>::infinity();
inline constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();

/// What the tables hold: the objective; or nothing but feasibility, where everything takes no time.
enum class Aim : std::uint8_t { objective, feasibility };

/// Equal blocks: what one weighs, and what a move to a device takes there.
struct Item {
    std::vector<BlockId> blocks;
    Bytes weight = 0;
    std::size_t origin = kNowhere; ///< its device before; kNowhere: nothing ever moves
    std::vector<double> charge;    ///< [device] the paper's D_mig of one move
    std::vector<double> sent;      ///< [device] time on the link from origin; 0: no message
    std::vector<double> loaded;    ///< [device] time on the device's storage
};

/// One more unit on `device` is within reach when the pool may take `cost`.
struct Event {
    double cost = 0;
    std::size_t device = 0;
};

/// For a pool with given hosts: how many units each device can take within a time, as events in
/// order of cost. A device's n-th event is its n-th unit.
using Ladder = std::vector<Event>;

/// Groups or slices of one layer.
struct Pool {
    std::size_t layer = 0;
    bool slices = false;
    std::int32_t units = 0;
    std::size_t first_item = 0;
    std::size_t items = 0;
};

class Tables {
  public:
    Tables(const Problem& problem, const StepDelay& step, Aim aim);

    [[nodiscard]] const Problem& problem() const { return *problem_; }
    [[nodiscard]] const StepDelay& step() const { return *step_; }
    [[nodiscard]] std::size_t devices() const { return devices_; }
    [[nodiscard]] std::size_t layers() const { return layers_; }
    [[nodiscard]] bool sliced() const { return step_->sliced(); }
    [[nodiscard]] bool by_formula() const { return step_->uses_paper_formulas(); }
    [[nodiscard]] bool moves() const { return moves_; }
    [[nodiscard]] Aim aim() const { return aim_; }

    /// Positions of the chain: 0 embed or source, 1 … layers the holders, then lm_head or source.
    [[nodiscard]] std::size_t chain_length() const { return layers_ + 2; }
    /// The block at a position; nothing there without ends.
    [[nodiscard]] const Item* chain_item(std::size_t position) const {
        return chain_[position].blocks.empty() ? nullptr : &chain_[position];
    }
    /// Devices that the position may have at all, as a mask.
    [[nodiscard]] std::uint64_t chain_mask(std::size_t position) const {
        return chain_mask_[position];
    }
    /// lm_head beside embed: the same item unless tied.
    [[nodiscard]] const Item& lm_head_beside_embed() const { return beside_embed_; }
    [[nodiscard]] bool tied() const { return tied_; }
    /// Granularity `paper`: the layer's proj.
    [[nodiscard]] const Item& proj(std::size_t layer) const { return proj_[layer]; }

    [[nodiscard]] const std::vector<Pool>& pools() const { return pools_; }
    [[nodiscard]] const std::vector<Item>& items() const { return items_; }

    /// Ladders of a layer's groups, proj's time included: x comes from `holder` (by formula: ffn is
    /// on it, which the compute constraint asks) and goes to `proj`. An exact time is the least
    /// over the ladders; none if the hosts are impossible.
    [[nodiscard]] const std::vector<Ladder>& group_ladders(
        std::size_t layer, std::size_t holder, std::size_t proj
    ) const {
        return ladders_[(class_[layer] * devices_ + holder) * devices_ + proj];
    }
    [[nodiscard]] const Ladder& slice_ladder(std::size_t layer, std::size_t hub) const {
        return slice_ladders_[class_[layer] * devices_ + hub];
    }
    /// What each unit on j costs beside the ladder (the formula's sum over senders).
    [[nodiscard]] double per_unit(std::size_t j, std::size_t proj) const {
        return per_unit_[j * devices_ + proj];
    }
    [[nodiscard]] double start(std::size_t embed) const { return start_[embed]; }
    [[nodiscard]] double from_proj(std::size_t layer, std::size_t proj, std::size_t ffn) const {
        return from_proj_[(class_[layer] * devices_ + proj) * devices_ + ffn];
    }
    [[nodiscard]] double finish(std::size_t holder, std::size_t lm_head) const {
        return finish_[holder * devices_ + lm_head];
    }

    /// Bytes for blocks on a device, its buffers already taken off; negative: it can hold nothing.
    [[nodiscard]] Bytes capacity(std::size_t d) const { return capacity_[d]; }
    /// Lanes: links from·devices + to, then one storage per device.
    [[nodiscard]] std::size_t lanes() const { return devices_ * (devices_ + 1); }
    [[nodiscard]] std::size_t link(std::size_t from, std::size_t to) const {
        return from * devices_ + to;
    }
    [[nodiscard]] std::size_t storage(std::size_t d) const { return devices_ * devices_ + d; }
    [[nodiscard]] double lane_latency(std::size_t lane) const { return latency_[lane]; }
    /// What one typical move takes on a lane; a scale.
    [[nodiscard]] double lane_scale(std::size_t lane) const { return lane_scale_[lane]; }

    /// More than any placement's objective that these tables can express.
    [[nodiscard]] double worst() const { return worst_; }
    /// Devices that nothing tells apart: swapping them changes no cost of any placement.
    [[nodiscard]] bool alike(std::size_t a, std::size_t b) const {
        return alike_[a * devices_ + b];
    }

  private:
    void tabulate_blocks();
    void tabulate_steps();
    void tabulate_formula_ladders();
    void tabulate_lanes();
    void find_worst();
    void find_alike();
    [[nodiscard]] Item item_of(BlockId b, bool beside_embed) const;
    void add_pool(std::size_t layer, bool slices);
    [[nodiscard]] double weighed(Nanoseconds t) const;
    [[nodiscard]] std::vector<Ladder> ladders_of(
        std::size_t layer, std::size_t holder, std::size_t proj
    ) const;
    [[nodiscard]] bool same_rates(std::size_t a, std::size_t b) const;

    const Problem* problem_;
    const StepDelay* step_;
    Aim aim_;
    std::size_t devices_;
    std::size_t layers_;
    double steps_;
    bool moves_;
    bool tied_;
    std::vector<Item> chain_;
    std::vector<std::uint64_t> chain_mask_;
    Item beside_embed_;
    std::vector<Item> proj_;
    std::vector<Pool> pools_;
    std::vector<Item> items_;
    std::vector<std::size_t> class_;       ///< [layer]: layers of one class take the same times
    std::vector<std::size_t> class_layer_; ///< [class]: a layer of it
    std::vector<std::vector<Ladder>> ladders_;
    std::vector<Ladder> slice_ladders_;
    std::vector<double> per_unit_;
    std::vector<double> start_;
    std::vector<double> from_proj_;
    std::vector<double> finish_;
    std::vector<Bytes> capacity_;
    std::vector<double> latency_;
    std::vector<double> lane_scale_;
    std::vector<bool> alike_;
    double worst_ = 0;
};

} // namespace headroom::scheduler::exact
