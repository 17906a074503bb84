#include "scheduler/construct/initial_placements.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "scheduler/construct/chain_planner.hpp"
#include "scheduler/construct/layer_plan.hpp"
#include "scheduler/construct/packing.hpp"
#include "scheduler/cost/block_cost.hpp"
#include "scheduler/cost/memory_ledger.hpp"

namespace headroom::scheduler {
namespace {

constexpr std::size_t kMostHosts = 8; // most devices that are tried for proj and for ffn

/// Places the block on the first device of `order` that has room, or on order.front() if none has.
/// Returns the device.
std::size_t place_first(Ledger& ledger, BlockId b, const std::vector<std::size_t>& order) {
    const auto found =
        std::ranges::find_if(order, [&](std::size_t d) { return ledger.fits(b, DeviceId(d)); });
    const std::size_t host = found == order.end() ? order.front() : *found;
    ledger.place(b, DeviceId(host));
    return host;
}

/// Returns the ffn (or hub) of a layer if it is much larger than a unit. Room for the large blocks
/// of later layers must be kept free, because the remainders on several devices cannot hold one.
std::optional<BlockId> large_block(const Blocks& blocks, const Ledger& ledger, std::size_t layer) {
    const BlockId ffn = activation_block_of(blocks, layer);
    const Bytes unit = ledger.bytes(unit_of(blocks, Unit::group, layer, 0));
    return ledger.bytes(ffn) > 2 * unit ? std::optional<BlockId>(ffn) : std::nullopt;
}

/// Returns whether there is room for the large blocks of all later layers, if all are as large as
/// that of the next layer.
bool leaves_room(const Problem& problem, const Ledger& ledger, std::size_t layer) {
    const Blocks& blocks = *problem.blocks;
    const auto layers = static_cast<std::size_t>(blocks.shape().layers);
    if (layer + 1 == layers) {
        return true;
    }
    const std::optional<BlockId> large = large_block(blocks, ledger, layer + 1);
    return !large || LayerRoom(problem, ledger, layer + 1).slots(ledger.bytes(*large)) >=
                         static_cast<std::int64_t>(layers - layer - 1);
}

/// Places one layer after the other, each as fast as the remaining memory allows. If a layer would
/// leave too little room for the large blocks of later layers, it is planned again with that room
/// reserved.
Placement sequential_plan(const Problem& problem, const StepDelay& step) {
    const Blocks& blocks = *problem.blocks;
    const std::vector<std::size_t> order = devices_by_speed(step);
    Ledger ledger(problem);
    std::size_t activation_device = step.source();
    if (blocks.shape().has_ends) {
        std::vector<std::size_t> ends_order = order;
        ends_order.insert(ends_order.begin(), step.source());
        activation_device = place_first(ledger, blocks.embed(), ends_order);
        place_first(ledger, blocks.lm_head(), ends_order);
    }
    Spreads spreads(problem, step);
    const std::vector<Nanoseconds> nothing(step.devices(), 0);
    const HostCosts no_costs{nothing, nothing};
    const auto layers = static_cast<std::size_t>(blocks.shape().layers);
    for (std::size_t l = 0; l < layers; ++l) {
        LayerRoom room(problem, ledger, l);
        const auto plan_in = [&](LayerRoom& in) {
            const Hosts hosts = promising_hosts(problem, step, in, activation_device, kMostHosts);
            return best_plan(spreads, in, activation_device, hosts, no_costs);
        };
        const auto place = [&ledger](BlockId b, DeviceId d) { ledger.place(b, d); };
        LayerPlan plan = plan_in(room);
        if (plan.time < kNever) {
            place_layer(blocks, l, plan.counts, place);
        }
        const std::optional<BlockId> large = large_block(blocks, ledger, l);
        if (plan.time < kNever && large && !leaves_room(problem, ledger, l)) {
            room = LayerRoom(problem, ledger, l);
            room.reserve(ledger.bytes(*large));
            LayerPlan reserving = plan_in(room);
            if (reserving.time < kNever) {
                plan = std::move(reserving);
                place_layer(blocks, l, plan.counts, place);
            }
        }
        if (plan.time == kNever) { // the layer does not fit; the search repairs this placement
            const std::size_t first = blocks.group(static_cast<std::int32_t>(l), 0).index();
            for (std::int32_t i = 0; i < blocks.blocks_per_layer(); ++i) {
                place_first(ledger, BlockId(first + static_cast<std::size_t>(i)), order);
            }
        }
        activation_device = ledger.where(activation_block_of(blocks, l)).index();
    }
    return ledger.placement();
}

} // namespace

std::vector<Placement> initial_placements(const Problem& problem, const StepDelay& step) {
    std::vector<Placement> placements;
    if (problem.previous) {
        placements.push_back(*problem.previous);
        settle_ends(problem, placements.back());
    }
    placements.push_back(sequential_plan(problem, step));
    if (Ledger(problem, placements.back()).shortage() > 0) {
        placements.push_back(pack(problem).placement);
    }
    return placements;
}

} // namespace headroom::scheduler
