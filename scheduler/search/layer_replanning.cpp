// Moves that reoptimise whole layers, with their migration. Because the finish of a device grows
// with its count, the best counts for given hosts follow from a threshold on the finish. Raising
// the threshold step by step lets more units stay on their previous devices, which costs time per
// step and saves migration.
#include <algorithm>
#include <cstdint>
#include <utility>

#include "scheduler/construct/layer_plan.hpp"
#include "scheduler/search/local_search.hpp"

namespace headroom::scheduler {
namespace {

constexpr std::size_t kAllHosts = 8;       // fleets up to this size try every device as a host
constexpr std::size_t kMostThresholds = 8; // most thresholds that are tried per plan
constexpr std::size_t kFewHosts = 6;       // most hosts of each kind in a brief search
constexpr std::size_t kFewThresholds = 4;

/// Sorts the values and keeps at most `most` of them, evenly spaced, among them the largest.
void thin_out(std::vector<Nanoseconds>& values, std::size_t most) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    if (values.size() <= most) {
        return;
    }
    for (std::size_t i = 0; i < most; ++i) {
        values[i] = values[(i + 1) * values.size() / most - 1];
    }
    values.resize(most);
}

} // namespace

std::vector<Relocation> Search::regroup(
    const Gathering& gathering, std::vector<std::int32_t> max_units
) {
    const auto& [layer, holder, target, unit] = gathering;
    const Moves& moves = draft_->moves();
    // By the published formula every sender adds its transfer time. Otherwise the limits suffice.
    std::vector<Int128> price(devices_, 0);
    Int128 cheapest = 0;
    if (step_->uses_paper_formulas()) {
        cheapest = Int128{kNever} * kNever;
        for (std::size_t d = 0; d < devices_; ++d) {
            price[d] = d == target ? Int128{0}
                                   : Int128{problem_->steps()} * step_->outputs_time(d, target, 1);
            cheapest = max_units[d] > 0 ? std::min(cheapest, price[d]) : cheapest;
        }
    }
    const auto is_expensive = [&](BlockId id, std::size_t home) {
        const Int128 here = price[home];
        for (std::size_t d = 0; d < devices_ && here > cheapest; ++d) {
            if (max_units[d] > 0 && price[d] < here &&
                price[d] + moves.time(id, DeviceId(d)) < here) {
                return true;
            }
        }
        return false;
    };
    std::vector<Relocation> changes;
    std::vector<BlockId> to_move;
    for (std::int32_t i = 0; i < count_of(*problem_->blocks, unit); ++i) {
        const BlockId id = unit_of(*problem_->blocks, unit, layer, i);
        const DeviceId home = moves.previous_device(id);
        const DeviceId anchor = home.valid() ? home : draft_->ledger().where(id);
        if (max_units[anchor.index()] > 0 && !(home.valid() && is_expensive(id, home.index()))) {
            --max_units[anchor.index()];
            changes.push_back({id, anchor});
        } else {
            to_move.push_back(id);
        }
    }
    std::ranges::stable_sort(to_move, {}, [&](BlockId a) { return moves.previous_device(a); });
    std::vector<std::size_t> open;
    for (std::size_t d = 0; d < devices_; ++d) {
        if (max_units[d] > 0) {
            open.push_back(d);
        }
    }
    std::vector<Nanoseconds> load(open.size(), 0); // of the links from one previous device
    DeviceId home;
    for (const BlockId id : to_move) {
        if (moves.previous_device(id) != home) {
            home = moves.previous_device(id);
            std::fill(load.begin(), load.end(), 0);
        }
        std::size_t best = open.size();
        Int128 least = 0;
        for (std::size_t i = 0; i < open.size(); ++i) {
            const Int128 cost = price[open[i]] + load[i] + moves.time(id, DeviceId(open[i]));
            if (max_units[open[i]] > 0 && (best == open.size() || cost < least)) {
                best = i;
                least = cost;
            }
        }
        const DeviceId to(open[best]);
        --max_units[to.index()];
        load[best] += step_->uses_paper_formulas() ? 0 : moves.time(id, to);
        changes.push_back({id, to});
    }
    return changes;
}

std::vector<Relocation> Search::changes_to(std::size_t layer, const LayerCounts& counts) {
    std::vector<Relocation> changes = {
        {proj(layer), DeviceId(counts.proj)}, {ffn(layer), DeviceId(counts.ffn)}};
    for (const Unit unit : units_of(*problem_->blocks)) {
        const auto& each = unit == Unit::group ? counts.groups : counts.slices;
        for (const Relocation& change :
             regroup({layer, draft_->activation_device(layer), counts.proj, unit}, each)) {
            changes.push_back(change);
        }
    }
    return changes;
}

/// Returns the part of D_inf after a layer if its x is on device d: the next layer, or the end.
Nanoseconds Search::after(std::size_t layer, std::size_t d) const {
    return layer + 1 < layers_ ? step_->layer(layer + 1, d, draft_->shape(layer + 1))
                               : step_->finish(d, draft_->lm_head());
}

/// Returns the costs of these hosts beside the layer's own time: the time of the next layer, and,
/// per step, the time by which moving the block exceeds the present D_mig.
HostCosts Search::host_costs(std::size_t layer, const Hosts& hosts) const {
    HostCosts costs{std::vector<Nanoseconds>(devices_, 0), std::vector<Nanoseconds>(devices_, 0)};
    const auto moving = [&](BlockId b, std::size_t d) {
        const Nanoseconds time = draft_->moves().time(b, DeviceId(d));
        const Nanoseconds free =
            step_->uses_paper_formulas() ? 0 : std::max(draft_->migration(), acceptance_.allowance);
        return std::max<Nanoseconds>(0, time - free) / problem_->steps();
    };
    for (const std::size_t d : hosts.proj) {
        costs.proj[d] = moving(proj(layer), d);
    }
    for (const std::size_t d : hosts.ffn) {
        costs.ffn[d] = after(layer, d) + moving(ffn(layer), d);
    }
    return costs;
}

/// Returns the hosts to try: all devices with room or, in larger fleets, the most promising ones,
/// the present ones and the previous ones.
Hosts Search::hosts(const LayerRoom& room) const {
    const std::size_t l = room.layer();
    Hosts hosts = promising_hosts(
        *problem_, *step_, room, draft_->activation_device(l), brief_ ? kFewHosts : kAllHosts
    );
    if (devices_ <= kAllHosts && !brief_) {
        return hosts;
    }
    const auto add = [](std::vector<std::size_t>& to, DeviceId d) {
        if (d.valid() && std::find(to.begin(), to.end(), d.index()) == to.end()) {
            to.push_back(d.index());
        }
    };
    add(hosts.proj, DeviceId(draft_->proj(l)));
    add(hosts.proj, draft_->moves().previous_device(proj(l)));
    add(hosts.ffn, DeviceId(draft_->ffn(l)));
    add(hosts.ffn, draft_->moves().previous_device(ffn(l)));
    return hosts;
}

/// Tries thresholds on the finish of the units of one kind, together with the changes `rest`. With
/// larger thresholds more units stay on their previous devices. `begin` is the least possible
/// finish, and `others` is D_inf without the time until the units are gathered.
bool Search::try_thresholds(
    const Gathering& gathering,
    const std::vector<std::int32_t>& max_units,
    std::vector<Relocation> rest,
    Nanoseconds begin,
    Nanoseconds others
) {
    const auto& [layer, holder, target, unit] = gathering;
    const auto done = [&, layer = layer, holder = holder, target = target, unit = unit](
                          std::size_t d, std::int32_t n
                      ) {
        return step_->uses_paper_formulas() ? n * step_->unit_time(layer, d, unit)
                                            : step_->partial(layer, holder, d, target, n, unit);
    };
    std::vector<std::int32_t> at_home(devices_, 0);
    for (std::int32_t i = 0; i < count_of(*problem_->blocks, unit); ++i) {
        const BlockId id = unit_of(*problem_->blocks, unit, layer, i);
        ++at_home[draft_->moves().previous_device(id).index()];
    }
    std::vector<Nanoseconds> times;
    for (std::size_t d = 0; d < devices_; ++d) {
        for (std::int32_t n = 1; n <= std::min(at_home[d], max_units[d]); ++n) {
            if (done(d, n) > begin) {
                times.push_back(done(d, n));
            }
        }
    }
    thin_out(times, brief_ ? kFewThresholds : kMostThresholds);
    const std::size_t fixed = rest.size();
    bool improved = false;
    for (const Nanoseconds time : times) {
        if (exhausted() || objective_of(others + time, 0) >= objective_now()) {
            break;
        }
        std::vector<std::int32_t> within(max_units);
        std::int64_t room = 0;
        for (std::size_t d = 0; d < devices_; ++d) {
            std::int32_t too_many = within[d] + 1;
            for (within[d] = 0; too_many - within[d] > 1;) {
                const std::int32_t middle = (within[d] + too_many) / 2;
                (done(d, middle) > time ? too_many : within[d]) = middle;
            }
            room += within[d];
        }
        if (room < count_of(*problem_->blocks, unit)) {
            continue;
        }
        rest.resize(fixed);
        for (const Relocation& change : regroup(gathering, std::move(within))) {
            rest.push_back(change);
        }
        improved |= consider(rest);
    }
    return improved;
}

/// Reoptimises the counts of a layer for these hosts. `others` is D_inf without this layer.
bool Search::reoptimise_for_hosts(
    LayerRoom& room, std::size_t proj, std::size_t ffn, Nanoseconds others
) {
    const std::size_t l = room.layer();
    const std::size_t holder = draft_->activation_device(l);
    const Moves& moves = draft_->moves();
    const Nanoseconds heavy = std::max(
        moves.time(this->proj(l), DeviceId(proj)), moves.time(this->ffn(l), DeviceId(ffn))
    );
    const auto cannot_win = [&](Nanoseconds inference) {
        return acceptance_.strict && draft_->score().shortage == 0 &&
               objective_of(inference, heavy) >= objective_now();
    };
    if (cannot_win(others + (step_->sliced() ? 0 : step_->from_proj(l, proj, ffn)))) {
        return false;
    }
    LayerPlan plan = plan_for_hosts(spreads_, room, holder, proj, ffn);
    if (plan.time == kNever || cannot_win(others + plan.time)) {
        return false;
    }
    const std::vector<Relocation> all = changes_to(l, plan.counts);
    bool improved = consider(all);
    room.charge(this->ffn(l), ffn);
    if (!step_->sliced()) {
        room.charge(this->proj(l), proj);
    }
    for (const Unit unit : units_of(*problem_->blocks)) {
        LayerRoom left = room;
        std::vector<Relocation> rest;
        for (const Relocation& change : all) {
            const BlockKind kind = problem_->blocks->name(change.block).kind;
            if (kind != (unit == Unit::group ? BlockKind::group : BlockKind::slice)) {
                rest.push_back(change);
            }
        }
        if (step_->sliced()) {
            const bool groups = unit == Unit::group;
            left.charge(
                groups ? Unit::slice : Unit::group, groups ? plan.counts.slices : plan.counts.groups
            );
        }
        const StepDelay::LayerShape shape{
            plan.counts.groups.data(), proj, ffn, plan.counts.slices.data()};
        Nanoseconds begin = step_->until_proj(l, holder, shape);
        if (unit == Unit::slice) {
            begin = step_->through_slices(l, ffn, plan.counts.slices.data());
        }
        const Nanoseconds without = others + plan.time - begin;
        const std::size_t from = unit == Unit::group ? holder : ffn;
        improved |= try_thresholds(
            {l, from, proj, unit},
            left.max_units(unit),
            std::move(rest),
            step_->uses_paper_formulas() ? 0 : begin,
            step_->uses_paper_formulas() ? 0 : without
        );
    }
    room.release(this->ffn(l), ffn);
    if (!step_->sliced()) {
        room.release(this->proj(l), proj);
    }
    return improved;
}

bool Search::reoptimise_layer(std::size_t layer) {
    LayerRoom room(*problem_, draft_->ledger(), layer);
    const Hosts hosts = this->hosts(room);
    const Nanoseconds others =
        draft_->inference() - draft_->layer_time(layer) - after(layer, draft_->ffn(layer));
    // Spreading units counts as work: about one evaluated layer, and four for a hub.
    const std::int64_t spreads = step_->sliced() ? 4 : 1;
    const auto weigh = [&](std::size_t proj, std::size_t ffn) {
        spent_ += spreads;
        return reoptimise_for_hosts(room, proj, ffn, others + after(layer, ffn));
    };
    if (problem_->previous && !brief_) {
        for (const std::size_t proj : hosts.proj) {
            for (const std::size_t ffn : hosts.ffn) {
                const bool possible = proj == ffn || !step_->sliced();
                if (!exhausted() && possible && weigh(proj, ffn)) {
                    return true; // `room` and `others` are out of date now
                }
            }
        }
        return false;
    }
    spent_ += spreads * static_cast<std::int64_t>(hosts.proj.size() * (1 + devices_ / 128));
    const LayerPlan plan = best_plan(
        spreads_, room, draft_->activation_device(layer), hosts, host_costs(layer, hosts)
    );
    const bool found = plan.time < kNever;
    if (!problem_->previous) {
        return found && consider(changes_to(layer, plan.counts));
    }
    return weigh(draft_->proj(layer), draft_->ffn(layer)) ||
           (found && weigh(plan.counts.proj, plan.counts.ffn));
}

/// Exchanges a unit with another one of its layer, trying one for each pair of device and previous
/// device. Counts and D_inf do not change, but the migration uses other links.
bool Search::reroute(BlockId block) {
    const BlockName& name = problem_->blocks->name(block);
    const Unit unit = name.kind == BlockKind::group ? Unit::group : Unit::slice;
    const auto layer = static_cast<std::size_t>(name.layer);
    const DeviceId here = draft_->ledger().where(block);
    std::vector<std::pair<DeviceId, DeviceId>> tried; // device and previous device
    for (std::int32_t i = 0; i < count_of(*problem_->blocks, unit) && !exhausted(); ++i) {
        const BlockId other = unit_of(*problem_->blocks, unit, layer, i);
        const DeviceId there = draft_->ledger().where(other);
        const std::pair<DeviceId, DeviceId> way(there, draft_->moves().previous_device(other));
        if (there == here || std::find(tried.begin(), tried.end(), way) != tried.end()) {
            continue;
        }
        tried.push_back(way);
        if (consider({{block, there}, {other, here}})) {
            return true;
        }
    }
    return false;
}

/// Exchanges units whose migration uses the slowest link.
bool Search::reroutes() {
    if (draft_->moves().moved() == 0) {
        return false;
    }
    const MoveDelay::Link slowest = draft_->moves().slowest();
    bool improved = false;
    for (std::size_t l = 0; l < layers_ && slowest.from.valid(); ++l) {
        for (const Unit unit : units_of(*problem_->blocks)) {
            for (std::int32_t i = 0; i < count_of(*problem_->blocks, unit); ++i) {
                const BlockId id = unit_of(*problem_->blocks, unit, l, i);
                if (draft_->ledger().where(id) == slowest.to &&
                    draft_->moves().previous_device(id) == slowest.from) {
                    improved |= reroute(id);
                    break; // the others of this layer cost the same
                }
            }
        }
    }
    return improved;
}

bool Search::reoptimise_layers() {
    bool improved = false;
    for (std::size_t l = 0; l < layers_ && !exhausted(); ++l) {
        improved |= reoptimise_layer(l);
    }
    return improved;
}

/// Removes two layers (or one) and places them again, one after the other.
std::vector<Relocation> Search::ruin_and_recreate(std::size_t first, std::size_t second) {
    Ledger ledger = draft_->ledger();
    std::vector<Relocation> changes;
    const Blocks& blocks = *problem_->blocks;
    const auto remove = [&](std::size_t layer) {
        const std::size_t begin = blocks.group(static_cast<std::int32_t>(layer), 0).index();
        for (std::int32_t i = 0; i < blocks.blocks_per_layer(); ++i) {
            ledger.remove(BlockId(begin + static_cast<std::size_t>(i)));
        }
    };
    remove(first);
    remove(second);
    for (const std::size_t layer : {first, second}) {
        LayerRoom room(*problem_, ledger, layer);
        const Hosts hosts = this->hosts(room);
        const LayerPlan plan = best_plan(
            spreads_, room, draft_->activation_device(layer), hosts, host_costs(layer, hosts)
        );
        if (plan.time == kNever || first == second) {
            return plan.time == kNever ? changes : changes_to(layer, plan.counts);
        }
        for (const Relocation& change : changes_to(layer, plan.counts)) {
            ledger.place(change.block, change.to);
            changes.push_back(change);
        }
    }
    return changes;
}

} // namespace headroom::scheduler
