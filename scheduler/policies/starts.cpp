// See starts.hpp.
#include "scheduler/policies/starts.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "scheduler/policies/first_fit.hpp"
#include "scheduler/policies/ledger.hpp"
#include "scheduler/policies/packing.hpp"
#include "scheduler/policies/paper_placer.hpp"
#include "scheduler/policies/planner.hpp"

namespace headroom::scheduler {
namespace {

constexpr std::size_t kMostSingles = 8; // starts with everything on one device
constexpr std::size_t kMostHosts = 8;   // devices tried for proj and ffn of a planned layer

struct LayerPlan {
    Nanoseconds time = kNever;
    std::size_t proj = 0;
    std::size_t ffn = 0;
    std::vector<std::int32_t> groups;
};

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

/// How many groups of a layer each device can still take.
std::vector<std::int32_t> group_caps(const Problem& problem, const Ledger& ledger, BlockId group) {
    std::vector<std::int32_t> caps;
    const std::int32_t layer = problem.blocks->name(group).layer;
    for (std::size_t d = 0; d < ledger.devices(); ++d) {
        const Amount left = ledger.left(layer, DeviceId(d));
        caps.push_back(left.times(ledger.need(group), problem.blocks->groups()));
    }
    return caps;
}

/// The first few devices of `order` that have room for a block.
std::vector<std::size_t> able(Ledger& ledger, BlockId b, const std::vector<std::size_t>& order) {
    std::vector<std::size_t> devices;
    for (std::size_t i = 0; i < order.size() && devices.size() < kMostHosts; ++i) {
        if (ledger.fits(b, DeviceId(order[i]))) {
            devices.push_back(order[i]);
        }
    }
    return devices;
}

/// The fastest plan of one layer that fits what is left; without groups if none does.
LayerPlan plan_within(
    const Problem& problem,
    const StepDelay& step,
    Ledger& ledger,
    std::int32_t l,
    std::size_t holder,
    const std::vector<std::size_t>& order
) {
    const Blocks& blocks = *problem.blocks;
    const auto layer = static_cast<std::size_t>(l);
    LayerPlan best;
    for (const std::size_t p : able(ledger, blocks.proj(l), order)) {
        ledger.place(blocks.proj(l), DeviceId(p));
        for (const std::size_t f : able(ledger, blocks.ffn(l), order)) {
            ledger.place(blocks.ffn(l), DeviceId(f));
            const std::vector<std::int32_t> caps = group_caps(problem, ledger, blocks.group(l, 0));
            std::vector<std::int32_t> counts =
                spread_groups(step, layer, holder, p, caps, blocks.groups());
            const Nanoseconds time =
                counts.empty() ? kNever : step.layer(layer, holder, {counts.data(), p, f});
            if (time < best.time) {
                best = {time, p, f, std::move(counts)};
            }
            ledger.lift(blocks.ffn(l));
        }
        ledger.lift(blocks.proj(l));
    }
    return best;
}

/// Layer after layer, each as fast as the memory that is left allows.
Placement sequential_plan(const Problem& problem, const StepDelay& step) {
    const Blocks& blocks = *problem.blocks;
    const bool ends = blocks.shape().ends;
    const std::vector<std::size_t> order = by_speed(step);
    Ledger ledger(problem);
    std::size_t holder = step.source();
    if (ends) {
        std::vector<std::size_t> near = order;
        near.insert(near.begin(), step.source());
        holder = place_first(ledger, blocks.embed(), near);
        place_first(ledger, blocks.lm_head(), near);
    }
    for (std::int32_t l = 0; l < blocks.shape().layers; ++l) {
        const LayerPlan plan = plan_within(problem, step, ledger, l, holder, order);
        if (plan.groups.empty()) { // nothing fits whole: block by block, the search repairs it
            for (std::int32_t g = 0; g < blocks.groups(); ++g) {
                place_first(ledger, blocks.group(l, g), order);
            }
            place_first(ledger, blocks.proj(l), order);
            holder = place_first(ledger, blocks.ffn(l), order);
            continue;
        }
        std::int32_t next = 0;
        for (std::size_t d = 0; d < plan.groups.size(); ++d) {
            for (std::int32_t k = 0; k < plan.groups[d]; ++k) {
                ledger.place(blocks.group(l, next++), DeviceId(d));
            }
        }
        ledger.place(blocks.proj(l), DeviceId(plan.proj));
        ledger.place(blocks.ffn(l), DeviceId(plan.ffn));
        holder = plan.ffn;
    }
    return ledger.placement();
}

/// Whole layers in a row: the source first, then the fastest, each until it is full.
Placement layers_in_a_row(const Problem& problem, const StepDelay& step) {
    const Blocks& blocks = *problem.blocks;
    std::vector<std::size_t> order = by_speed(step);
    std::stable_partition(order.begin(), order.end(), [&](std::size_t d) {
        return d == step.source();
    });
    Ledger ledger(problem);
    if (blocks.shape().ends) {
        place_first(ledger, blocks.embed(), order);
        place_first(ledger, blocks.lm_head(), order);
    }
    std::size_t at = 0;
    for (std::int32_t l = 0; l < blocks.shape().layers; ++l) {
        for (; at < order.size(); ++at) {
            const DeviceId d(order[at]);
            for (std::int32_t g = 0; g < blocks.groups(); ++g) {
                ledger.place(blocks.group(l, g), d);
            }
            ledger.place(blocks.proj(l), d);
            ledger.place(blocks.ffn(l), d);
            if (ledger.over(d) == 0 || at + 1 == order.size()) {
                break;
            }
        }
    }
    return ledger.placement();
}

} // namespace

std::vector<Placement> starting_points(const Problem& problem, const StepDelay& step) {
    std::vector<Placement> starts;
    const auto add = [&](Placement placement) {
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
    add(first_fit_placement(problem, lowest_first));
    add(first_fit_placement(problem, in_turn));
    add(place_by_score(problem).placement);
    const std::vector<std::size_t> order = by_speed(step);
    for (std::size_t i = 0; i < std::min(order.size(), kMostSingles); ++i) {
        add(Placement(problem.blocks->size(), DeviceId(order[i])));
    }
    add(pack(problem).placement);
    return starts;
}

} // namespace headroom::scheduler
