// The costs that the exact search needs, tabulated once per problem. Times come from StepDelay or
// the published formulas and are multiplied by the number of steps, as in the objective. The time
// of what never ends is infinite; placements with such times are found only if there are no others.
//
// The *chain* is the sequence of the devices of embed, of each layer's ffn or hub, and of lm_head;
// the source stands for embed and lm_head if the model has neither. A *pool* is all groups or all
// slices of one layer; all of them take the same time. An *item* is a set of blocks of equal time,
// bytes and previous device.
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

inline constexpr std::size_t kMaxDevices = 32; ///< sets of devices are masks

/// Returns whether tables, and with them the relaxation, cover problems of this kind: at most
/// kMaxDevices devices, and no all-reduce over a ring.
[[nodiscard]] bool covers(const Problem& problem);

/// Whether the tables contain the objective or, with all times 0, only the constraints.
enum class Aim : std::uint8_t { objective, feasibility };

/// The bytes of a block, and those of moving it to another device.
struct BlockSize {
    Bytes weight = 0;  ///< resident
    Bytes message = 0; ///< sent over the link; under cost profile `paper` those that D_mig counts
    Bytes load = 0;    ///< read from the receiver's storage
    bool operator==(const BlockSize&) const = default;
};
/// A tied lm_head has no matrix of its own beside embed.
[[nodiscard]] BlockSize size_of(const Problem& problem, BlockId b, bool beside_embed);

/// Equal blocks, with the costs of one of them. Under cost profile `paper` they send no message,
/// but have a charge.
struct Item : BlockSize {
    std::vector<BlockId> blocks;
    std::size_t origin = kNowhere; ///< previous device; kNowhere if nothing can move
    std::vector<double> charge;    ///< [device]: D_mig of a move there, by the published formula
    std::vector<double> sent;      ///< [device]: time on the link from origin
    std::vector<double> loaded;    ///< [device]: time on the device's storage
};

/// If the pool may take time `cost` or more, the device can have one more unit.
struct Event {
    double cost = 0;
    std::size_t device = 0;
};

/// For a pool with given hosts: the events in order of cost, which say how many units each device
/// can take within a time. The n-th event of a device stands for its n-th unit.
using Ladder = std::vector<Event>;

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

    /// Returns the number of positions of the chain: 0 is embed or source, 1 … layers are the
    /// devices that hold x (the activations) after each layer, and the last one is lm_head or
    /// source.
    [[nodiscard]] std::size_t chain_length() const { return layers_ + 2; }
    /// Returns the block at a position; null if the model has no embed or lm_head there. On the
    /// device of embed, a tied lm_head has fewer bytes (beside_embed).
    [[nodiscard]] const Item* chain_item(std::size_t position, bool beside_embed = false) const {
        const bool beside = beside_embed && position + 1 == chain_length();
        return chain_[position].blocks.empty() ? nullptr
               : beside                        ? &beside_embed_
                                               : &chain_[position];
    }
    /// Returns the devices that are allowed at the position, as a mask.
    [[nodiscard]] std::uint64_t chain_mask(std::size_t position) const {
        return chain_mask_[position];
    }
    [[nodiscard]] bool tied() const { return tied_; }
    /// Returns the layer's proj. Precondition: granularity `paper`.
    [[nodiscard]] const Item& proj(std::size_t layer) const { return proj_[layer]; }

    [[nodiscard]] const std::vector<Pool>& pools() const { return pools_; }
    [[nodiscard]] const std::vector<Item>& items() const { return items_; }

    /// Returns the ladders of a layer's groups, with the time of proj included. The input x comes
    /// from device `holder`, and outputs go to device `proj`; under cost profile `paper`, `holder`
    /// is the device of ffn, which the compute constraint needs. Given counts take the shortest of
    /// the times on these ladders. A ladder is empty if these hosts are impossible.
    /// They are computed when they are asked for the first time.
    [[nodiscard]] const std::vector<Ladder>& group_ladders(
        std::size_t layer, std::size_t holder, std::size_t proj
    ) const {
        std::vector<Ladder>& ladders =
            ladders_[(class_[layer] * devices_ + holder) * devices_ + proj];
        if (ladders.empty()) {
            ladders = by_formula() ? formula_ladders(holder, proj)
                                   : ladders_of(class_layer_[class_[layer]], holder, proj);
        }
        return ladders;
    }
    [[nodiscard]] const Ladder& slice_ladder(std::size_t layer, std::size_t hub) const {
        return slice_ladders_[class_[layer] * devices_ + hub];
    }
    /// Returns what each unit on device j adds to the published formula's sum over senders.
    [[nodiscard]] double per_unit(std::size_t j, std::size_t proj) const {
        return per_unit_[j * devices_ + proj];
    }
    [[nodiscard]] double start(std::size_t embed) const { return start_[embed]; }
    /// Returns the times from the end of proj to the end of ffn: [proj][ffn]. In granularity
    /// `sliced`, where a hub is both, they are 0 on the diagonal and infinite elsewhere.
    [[nodiscard]] const double* from_proj(std::size_t layer) const {
        return &from_proj_[class_[layer] * devices_ * devices_];
    }
    [[nodiscard]] double from_proj(std::size_t layer, std::size_t proj, std::size_t ffn) const {
        return from_proj(layer)[proj * devices_ + ffn];
    }
    /// Returns the times from the end of the last layer: [holder][lm_head].
    [[nodiscard]] const double* finish() const { return finish_.data(); }
    [[nodiscard]] double finish(std::size_t holder, std::size_t lm_head) const {
        return finish_[holder * devices_ + lm_head];
    }

    /// Returns the bytes that a device has for blocks, besides its buffers; negative: no room.
    [[nodiscard]] Bytes capacity(std::size_t d) const { return capacity_[d]; }
    /// Returns the number of lanes, which transfers queue on: the links, then a storage per device.
    [[nodiscard]] std::size_t lanes() const { return devices_ * (devices_ + 1); }
    [[nodiscard]] std::size_t link(std::size_t from, std::size_t to) const {
        return from * devices_ + to;
    }
    [[nodiscard]] std::size_t storage(std::size_t d) const { return devices_ * devices_ + d; }
    /// Returns by how much a lane ends later than its transfer times say, if it is used: the
    /// latency of the link, and the message overheads of both ends.
    [[nodiscard]] double lane_latency(std::size_t lane) const { return latency_[lane]; }
    /// Calls visit(lane, time) for each lane that moving a block of the item to d uses. The time
    /// can be 0 on a link; its latency counts all the same.
    template <class Visit>
    void visit_lanes(const Item& item, std::size_t d, const Visit& visit) const {
        if (item.origin == kNowhere || item.origin == d) {
            return;
        }
        if (item.message > 0) {
            visit(link(item.origin, d), item.sent[d]);
        }
        if (item.loaded[d] > 0) {
            visit(storage(d), item.loaded[d]);
        }
    }
    /// Returns the longest time that one move takes on the lane, the unit of the lane's multiplier.
    [[nodiscard]] double lane_scale(std::size_t lane) const { return lane_scale_[lane]; }

    /// Returns a number above all finite objectives of these tables.
    [[nodiscard]] double worst() const;
    /// Returns whether exchanging the two devices changes no cost of any placement.
    [[nodiscard]] bool alike(std::size_t a, std::size_t b) const {
        return alike_[a * devices_ + b];
    }

  private:
    void tabulate_blocks();
    void tabulate_steps();
    void tabulate_formula();
    [[nodiscard]] std::vector<Ladder> formula_ladders(std::size_t ffn, std::size_t proj) const;
    void tabulate_lanes();
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
    std::vector<std::size_t> class_; ///< [layer]: its class; layers of a class take equal times
    std::vector<std::size_t> class_layer_; ///< [class]: its first layer
    /// [class][holder][proj]; empty until group_ladders() is called for this pair
    mutable std::vector<std::vector<Ladder>> ladders_;
    std::vector<Ladder> slice_ladders_;
    std::vector<double> per_unit_;
    std::vector<double> start_;
    std::vector<double> from_proj_;
    std::vector<double> finish_;
    std::vector<Bytes> capacity_;
    std::vector<double> latency_;
    std::vector<double> lane_scale_;
    std::vector<bool> alike_;
};

} // namespace headroom::scheduler::exact
