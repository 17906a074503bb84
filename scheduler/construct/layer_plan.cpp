#include "scheduler/construct/layer_plan.hpp"

#include <algorithm>
#include <utility>

namespace headroom::scheduler {
namespace {

LayerPlan sliced_plan(
    const StepDelay& step,
    const LayerRoom& room,
    std::size_t activation_device,
    std::size_t hub,
    std::vector<std::int32_t> groups,
    std::vector<std::int32_t> slices
) {
    LayerPlan plan;
    if (!groups.empty() && !slices.empty()) {
        plan.time =
            step.layer(room.layer(), activation_device, {groups.data(), hub, hub, slices.data()});
        plan.counts = {hub, hub, std::move(groups), std::move(slices)};
    }
    return plan;
}

/// The best plan so far, by the sum of its time and the costs of its hosts.
struct Best {
    LayerPlan plan;
    Nanoseconds total = kNever;

    void offer(LayerPlan other, Nanoseconds costs) {
        if (other.time < kNever && other.time + costs < total) {
            total = other.time + costs;
            plan = std::move(other);
        }
    }
};

/// Returns the best plan for a hub. Groups and slices share the memory of a device. If their best
/// spreads do not fit together, one is kept and the other is spread in the remaining memory,
/// and the better of both ways is returned.
LayerPlan plan_for_hub(
    Spreads& spreads, LayerRoom& room, std::size_t activation_device, std::size_t hub
) {
    const StepDelay& step = spreads.step();
    const BlockId block = activation_block_of(*spreads.problem().blocks, room.layer());
    Best best;
    if (!room.fits(block, hub)) {
        return best.plan;
    }
    const auto spread = [&](const LayerRoom& in, Unit unit) {
        const std::size_t from = unit == Unit::group ? activation_device : hub;
        return spreads.within({room.layer(), from, hub, unit}, in.max_units(unit));
    };
    room.charge(block, hub);
    std::vector<std::int32_t> groups = spread(room, Unit::group);
    std::vector<std::int32_t> slices = spread(room, Unit::slice);
    LayerRoom beside_groups = room;
    if (!groups.empty()) {
        beside_groups.charge(Unit::group, groups);
    }
    bool fit_together = !groups.empty() && !slices.empty();
    for (std::size_t d = 0; fit_together && d < slices.size(); ++d) {
        fit_together = slices[d] <= beside_groups.max_units(Unit::slice, d);
    }
    if (fit_together) {
        best.offer(
            sliced_plan(step, room, activation_device, hub, std::move(groups), std::move(slices)), 0
        );
    } else if (!groups.empty() && !slices.empty()) {
        LayerRoom beside_slices = room;
        beside_slices.charge(Unit::slice, slices);
        best.offer(
            sliced_plan(
                step, room, activation_device, hub, groups, spread(beside_groups, Unit::slice)
            ),
            0
        );
        best.offer(
            sliced_plan(
                step, room, activation_device, hub, spread(beside_slices, Unit::group), slices
            ),
            0
        );
    }
    room.release(block, hub);
    return best.plan;
}

/// Plans with proj on one device. The groups are spread once and reused for several hosts of ffn.
class ProjPlans {
  public:
    ProjPlans(Spreads& spreads, LayerRoom& room, std::size_t activation_device, std::size_t proj)
        : spreads_(&spreads), step_(&spreads.step()), room_(&room), layer_(room.layer()),
          activation_device_(activation_device), proj_(proj),
          proj_block_(reduction_block_of(*spreads.problem().blocks, layer_)),
          ffn_block_(activation_block_of(*spreads.problem().blocks, layer_)) {
        fits_ = room.fits(proj_block_, proj);
        if (!fits_) {
            return;
        }
        room.charge(proj_block_, proj);
        // The spread without memory limits is a lower bound that costs little.
        if (step_->uses_paper_formulas() && room.devices() <= Spreads::kMaxRemembered) {
            ready_ = ready(spreads.unlimited({layer_, activation_device_, proj_, Unit::group}));
        } else {
            spread_within_room();
        }
    }
    ~ProjPlans() {
        if (fits_) {
            room_->release(proj_block_, proj_);
        }
    }
    ProjPlans(const ProjPlans&) = delete;
    ProjPlans& operator=(const ProjPlans&) = delete;

    void offer_to(Best& best, std::size_t ffn, Nanoseconds costs) {
        const Nanoseconds rest = step_->from_proj(layer_, proj_, ffn);
        // ffn takes room from the groups, which never makes them faster.
        const auto cannot_win = [&] {
            return ready_ == kNever || ready_ + rest + costs >= best.total;
        };
        if (!fits_ || cannot_win() || !room_->fits(ffn_block_, ffn)) {
            return;
        }
        if (!spread_) {
            spread_within_room();
        }
        if (counts_.empty() || cannot_win()) {
            return;
        }
        room_->charge(ffn_block_, ffn);
        const std::int32_t limit = room_->max_units(Unit::group, ffn);
        room_->release(ffn_block_, ffn);
        if (counts_[ffn] <= limit) {
            best.offer({ready_ + rest, {proj_, ffn, counts_, {}}}, costs);
            return;
        }
        const std::int32_t before = std::exchange(max_units_[ffn], limit);
        std::vector<std::int32_t> counts = spread();
        max_units_[ffn] = before;
        if (!counts.empty()) {
            const Nanoseconds time = ready(counts) + rest;
            best.offer({time, {proj_, ffn, std::move(counts), {}}}, costs);
        }
    }

  private:
    void spread_within_room() {
        max_units_ = room_->max_units(Unit::group);
        counts_ = spread();
        ready_ = ready(counts_);
        spread_ = true;
    }
    [[nodiscard]] std::vector<std::int32_t> spread() {
        return spreads_->within({layer_, activation_device_, proj_, Unit::group}, max_units_);
    }
    [[nodiscard]] Nanoseconds ready(const std::vector<std::int32_t>& counts) const {
        return counts.empty()
                   ? kNever
                   : step_->until_proj(layer_, activation_device_, {counts.data(), proj_, proj_});
    }

    Spreads* spreads_;
    const StepDelay* step_;
    LayerRoom* room_;
    std::size_t layer_;
    std::size_t activation_device_;
    std::size_t proj_;
    BlockId proj_block_;
    BlockId ffn_block_;
    bool fits_ = false;
    bool spread_ = false; ///< whether counts_ is known; before, ready_ may be a lower bound
    std::vector<std::int32_t> max_units_;
    std::vector<std::int32_t> counts_;
    Nanoseconds ready_ = kNever;
};

} // namespace

LayerRoom::LayerRoom(const Problem& problem, const Ledger& ledger, std::size_t layer)
    : blocks_(problem.blocks), ledger_(&ledger), layer_(layer),
      group_(ledger.need(unit_of(*blocks_, Unit::group, layer, 0))) {
    if (blocks_->sliced()) {
        slice_ = ledger.need(largest_unit_of(*blocks_, Unit::slice, layer));
    }
    const auto l = static_cast<std::int32_t>(layer);
    for (std::size_t d = 0; d < ledger.devices(); ++d) {
        left_.push_back(ledger.left(l, DeviceId(d)));
    }
    const std::size_t first = blocks_->group(l, 0).index();
    for (std::int32_t i = 0; i < blocks_->blocks_per_layer(); ++i) {
        const BlockId b(first + static_cast<std::size_t>(i));
        if (ledger.where(b).valid()) {
            release(b, ledger.where(b).index());
        }
    }
}

std::vector<std::int32_t> LayerRoom::max_units(Unit unit) const {
    std::vector<std::int32_t> limits(devices());
    for (std::size_t d = 0; d < limits.size(); ++d) {
        limits[d] = max_units(unit, d);
    }
    return limits;
}

void LayerRoom::charge(Unit unit, const std::vector<std::int32_t>& counts) {
    for (std::size_t d = 0; d < counts.size(); ++d) {
        left_[d].add(need(unit), -counts[d]);
    }
}

std::int64_t LayerRoom::slots(Bytes size) const {
    std::int64_t slots = 0;
    for (const Amount& left : left_) {
        slots += std::max<Bytes>(left.bytes, 0) / std::max<Bytes>(size, 1);
    }
    return slots;
}

LayerPlan plan_for_hosts(
    Spreads& spreads,
    LayerRoom& room,
    std::size_t activation_device,
    std::size_t proj,
    std::size_t ffn
) {
    if (spreads.step().sliced()) {
        return plan_for_hub(spreads, room, activation_device, ffn);
    }
    Best best;
    ProjPlans(spreads, room, activation_device, proj).offer_to(best, ffn, 0);
    return best.plan;
}

Hosts promising_hosts(
    const Problem& problem,
    const StepDelay& step,
    const LayerRoom& room,
    std::size_t activation_device,
    std::size_t most
) {
    const auto first = [&](BlockId b) {
        std::vector<std::pair<Nanoseconds, std::size_t>> ranked;
        for (std::size_t d = 0; d < room.devices(); ++d) {
            if (room.fits(b, d)) {
                ranked.emplace_back(step.host_rank(room.layer(), b, activation_device, d), d);
            }
        }
        const std::size_t kept = std::min(most, ranked.size());
        const auto end = ranked.begin() + static_cast<std::ptrdiff_t>(kept);
        std::partial_sort(ranked.begin(), end, ranked.end());
        std::vector<std::size_t> hosts;
        std::for_each(ranked.begin(), end, [&](const auto& host) { hosts.push_back(host.second); });
        return hosts;
    };
    return {
        first(reduction_block_of(*problem.blocks, room.layer())),
        first(activation_block_of(*problem.blocks, room.layer()))};
}

LayerPlan best_plan(
    Spreads& spreads,
    LayerRoom& room,
    std::size_t activation_device,
    const Hosts& hosts,
    const HostCosts& costs
) {
    Best best;
    if (spreads.step().sliced()) {
        for (const std::size_t hub : hosts.ffn) {
            best.offer(plan_for_hub(spreads, room, activation_device, hub), costs.ffn[hub]);
        }
        return best.plan;
    }
    for (const std::size_t proj : hosts.proj) {
        ProjPlans plans(spreads, room, activation_device, proj);
        for (const std::size_t ffn : hosts.ffn) {
            plans.offer_to(best, ffn, costs.proj[proj] + costs.ffn[ffn]);
        }
    }
    return best.plan;
}

} // namespace headroom::scheduler
