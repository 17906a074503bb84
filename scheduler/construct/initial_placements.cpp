// See initial_placements.hpp.
#include "scheduler/construct/initial_placements.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "scheduler/construct/chain_planner.hpp"
#include "scheduler/construct/first_fit.hpp"
#include "scheduler/construct/layer_plan.hpp"
#include "scheduler/construct/packing.hpp"
#include "scheduler/construct/paper_placer.hpp"
#include "scheduler/cost/block_cost.hpp"
#include "scheduler/cost/memory_ledger.hpp"

namespace headroom::scheduler {
namespace {

constexpr std::size_t kMostSingles = 8; // starts with everything on one device
constexpr std::size_t kMostHosts = 8;   // devices tried for proj and ffn of a planned layer

/// Places one block on the first device of `order` with room, else on the first.
std::size_t place_first(Ledger& ledger, BlockId b, const std::vector<std::size_t>& order) {
    for (const std::size_t d : order) {
        if (ledger.fits(b, DeviceId(d))) {
            ledger.place(b, DeviceId(d));
            return d;
        }
    }
    ledger.place(b, DeviceId(order.front()));
    return order.front();
}

/// The largest kind of block of a layer, if it is much larger than the units: whole devices must
/// keep room for as many as are still to come.
std::optional<BlockId> bulky(const Blocks& blocks, const Ledger& ledger, std::size_t layer) {
    const BlockId ffn = activation_block_of(blocks, layer);
    const Bytes unit = ledger.bytes(unit_of(blocks, Unit::group, layer, 0));
    return ledger.bytes(ffn) > 2 * unit ? std::optional<BlockId>(ffn) : std::nullopt;
}

void place(Ledger& ledger, const Blocks& blocks, std::size_t layer, const LayerCounts& counts) {
    for (const Unit unit : units_of(blocks)) {
        const auto& each = unit == Unit::group ? counts.groups : counts.slices;
        std::int32_t next = 0;
        for (std::size_t d = 0; d < each.size(); ++d) {
            for (std::int32_t k = 0; k < each[d]; ++k) {
                ledger.place(unit_of(blocks, unit, layer, next++), DeviceId(d));
            }
        }
    }
    ledger.place(reduction_block_of(blocks, layer), DeviceId(counts.proj));
    ledger.place(activation_block_of(blocks, layer), DeviceId(counts.ffn));
}

/// Whether the layers after this one would still find room for their ffns, as far as that is known.
bool leaves_room(const Problem& problem, const Ledger& ledger, std::size_t layer) {
    const Blocks& blocks = *problem.blocks;
    const auto layers = static_cast<std::size_t>(blocks.shape().layers);
    if (layer + 1 == layers) {
        return true;
    }
    const std::optional<BlockId> big = bulky(blocks, ledger, layer + 1);
    return !big || LayerRoom(problem, ledger, layer + 1).slots(ledger.bytes(*big)) >=
                       static_cast<std::int64_t>(layers - layer - 1);
}

/// Layer after layer, each as fast as the memory that is left allows, unless that would leave later
/// layers without room.
Placement sequential_plan(const Problem& problem, const StepDelay& step) {
    const Blocks& blocks = *problem.blocks;
    const std::vector<std::size_t> order = devices_by_speed(step);
    Ledger ledger(problem);
    std::size_t activation_device = step.source();
    if (blocks.shape().has_ends) {
        std::vector<std::size_t> near = order;
        near.insert(near.begin(), step.source());
        activation_device = place_first(ledger, blocks.embed(), near);
        place_first(ledger, blocks.lm_head(), near);
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
        LayerPlan plan = plan_in(room);
        if (plan.time < kNever) {
            place(ledger, blocks, l, plan.counts);
        }
        const std::optional<BlockId> big = bulky(blocks, ledger, l);
        if (plan.time < kNever && big && !leaves_room(problem, ledger, l)) {
            room = LayerRoom(problem, ledger, l);
            room.reserve(ledger.bytes(*big));
            LayerPlan modest = plan_in(room);
            if (modest.time < kNever) {
                plan = std::move(modest);
                place(ledger, blocks, l, plan.counts);
            }
        }
        if (plan.time == kNever) { // nothing fits whole: block by block, the search repairs it
            const std::size_t first = blocks.group(static_cast<std::int32_t>(l), 0).index();
            for (std::int32_t i = 0; i < blocks.blocks_per_layer(); ++i) {
                place_first(ledger, BlockId(first + static_cast<std::size_t>(i)), order);
            }
        }
        activation_device = ledger.where(activation_block_of(blocks, l)).index();
    }
    return ledger.placement();
}

/// Whole layers in a row: the source first, then the fastest, each until it is full.
Placement layers_in_a_row(const Problem& problem, const StepDelay& step) {
    const Blocks& blocks = *problem.blocks;
    std::vector<std::size_t> order = devices_by_speed(step);
    std::stable_partition(order.begin(), order.end(), [&](std::size_t d) {
        return d == step.source();
    });
    Ledger ledger(problem);
    if (blocks.shape().has_ends) {
        place_first(ledger, blocks.embed(), order);
        place_first(ledger, blocks.lm_head(), order);
    }
    std::size_t at = 0;
    for (std::int32_t l = 0; l < blocks.shape().layers; ++l) {
        for (; at < order.size(); ++at) {
            const DeviceId d(order[at]);
            const std::size_t first = blocks.group(l, 0).index();
            for (std::int32_t i = 0; i < blocks.blocks_per_layer(); ++i) {
                ledger.place(BlockId(first + static_cast<std::size_t>(i)), d);
            }
            if (ledger.shortage(d) == 0 || at + 1 == order.size()) {
                break;
            }
        }
    }
    return ledger.placement();
}

} // namespace

std::vector<Placement> few_initial_placements(const Problem& problem, const StepDelay& step) {
    std::vector<Placement> starts;
    if (problem.previous) {
        starts.push_back(*problem.previous);
        settle_ends(problem, starts.back());
    }
    starts.push_back(sequential_plan(problem, step));
    if (Ledger(problem, starts.back()).shortage() > 0) {
        starts.push_back(pack(problem).placement);
    }
    return starts;
}

std::vector<Placement> initial_placements(const Problem& problem, const StepDelay& step) {
    std::vector<Placement> starts;
    const auto add = [&](Placement placement) {
        if (!placement.empty()) {
            settle_ends(problem, placement);
        }
        const bool known = std::find(starts.begin(), starts.end(), placement) != starts.end();
        if (!placement.empty() && !known) {
            starts.push_back(std::move(placement));
        }
    };
    if (problem.previous) {
        add(*problem.previous);
    }
    add(unlimited_plan(problem, step));
    add(sequential_plan(problem, step));
    add(layers_in_a_row(problem, step));
    add(first_fit_placement(problem, start_at_lowest));
    add(first_fit_placement(problem, start_at_next));
    if (!problem.blocks->sliced()) { // the published method knows heads, proj and ffn
        add(place_by_score(problem).placement);
    }
    const std::vector<std::size_t> order = devices_by_speed(step);
    for (std::size_t i = 0; i < std::min(order.size(), kMostSingles); ++i) {
        add(Placement(problem.blocks->size(), DeviceId(order[i])));
    }
    add(pack(problem).placement);
    return starts;
}

} // namespace headroom::scheduler
