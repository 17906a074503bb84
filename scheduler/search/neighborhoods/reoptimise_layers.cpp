// Because the finish of a device grows with its number of units, the best numbers for given hosts
// follow from a threshold on the finish. Raising the threshold step by step lets more units stay on
// their previous devices, which costs time per step and saves migration.
#include "scheduler/search/neighborhoods/reoptimise_layers.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "scheduler/search/neighborhood.hpp"
#include "scheduler/search/neighborhoods/regroup.hpp"
#include "scheduler/search/neighborhoods/stage.hpp"

namespace headroom::scheduler {
namespace {

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

/// Returns the work of spreading the units of a layer, in evaluated layers.
std::int64_t work_of_spread(const SearchState& state) {
    return state.step().sliced() ? 4 : state.model().adds_transfers() ? 2 : 1;
}

/// Returns the hosts to try: the most promising ones, the present ones and the previous ones.
Hosts hosts_of(const SearchState& state, const LayerRoom& room) {
    const Incumbent& incumbent = state.incumbent();
    const std::size_t l = room.layer();
    Hosts hosts = promising_hosts(
        state.problem(), state.step(), room, incumbent.activation_device(l), state.settings().hosts
    );
    const auto add = [](std::vector<std::size_t>& to, DeviceId d) {
        if (d.valid() && std::ranges::find(to, d.index()) == to.end()) {
            to.push_back(d.index());
        }
    };
    add(hosts.proj, DeviceId(incumbent.proj(l)));
    add(hosts.proj, incumbent.moves().previous_device(proj_of(state, l)));
    add(hosts.ffn, DeviceId(incumbent.ffn(l)));
    add(hosts.ffn, incumbent.moves().previous_device(ffn_of(state, l)));
    return hosts;
}

/// Returns the costs of these hosts beside the layer's own time: the time of the next layer, and,
/// per step, the time by which moving the block exceeds the D_mig that is free.
HostCosts host_costs(SearchState& state, std::size_t layer, const Hosts& hosts) {
    const std::size_t devices = state.devices();
    HostCosts costs{std::vector<Nanoseconds>(devices, 0), std::vector<Nanoseconds>(devices, 0)};
    const Nanoseconds free = state.model().adds_transfers() ? 0 : state.free_migration();
    const auto moving = [&](BlockId b, std::size_t d) {
        const Nanoseconds time = state.incumbent().moves().time(b, DeviceId(d));
        return std::max<Nanoseconds>(0, time - free) / state.problem().steps();
    };
    for (const std::size_t d : hosts.proj) {
        costs.proj[d] = moving(proj_of(state, layer), d);
    }
    for (const std::size_t d : hosts.ffn) {
        costs.ffn[d] = time_after(state, layer, d) + moving(ffn_of(state, layer), d);
    }
    return costs;
}

/// Tries plans of one layer of the incumbent.
class LayerReoptimisation {
  public:
    LayerReoptimisation(SearchState& state, std::size_t layer)
        : state_(state), layer_(layer), room_(state.problem(), state.ledger(), layer),
          others_(
              state.incumbent().inference() - state.incumbent().layer_time(layer) -
              time_after(state, layer, state.incumbent().ffn(layer))
          ) {}

    bool improve() {
        const LayerPlan plan = plan_layer(state_, room_);
        const bool found = plan.time < kNever;
        if (!state_.problem().previous) {
            return found && state_.consider(changes_to(state_, layer_, plan.counts));
        }
        const Incumbent& incumbent = state_.incumbent();
        return improve_for_hosts(incumbent.proj(layer_), incumbent.ffn(layer_)) ||
               (found && improve_for_hosts(plan.counts.proj, plan.counts.ffn));
    }

  private:
    /// Returns whether no placement with at least this D_inf and D_mig is better than the
    /// incumbent.
    [[nodiscard]] bool cannot_win(Nanoseconds inference, Nanoseconds migration) const {
        return state_.score().shortage == 0 &&
               state_.objective_of(inference, migration) >= state_.objective_now();
    }

    bool improve_for_hosts(std::size_t proj, std::size_t ffn) {
        state_.spend(work_of_spread(state_));
        const std::size_t holder = state_.incumbent().activation_device(layer_);
        const Moves& moves = state_.incumbent().moves();
        const Nanoseconds moving = std::max(
            moves.time(proj_of(state_, layer_), DeviceId(proj)),
            moves.time(ffn_of(state_, layer_), DeviceId(ffn))
        );
        const Nanoseconds others = others_ + time_after(state_, layer_, ffn);
        const StepDelay& step = state_.step();
        if (cannot_win(others + (step.sliced() ? 0 : step.from_proj(layer_, proj, ffn)), moving)) {
            return false;
        }
        const LayerPlan plan = plan_for_hosts(state_.spreads(), room_, holder, proj, ffn);
        if (plan.time == kNever || cannot_win(others + plan.time, moving)) {
            return false;
        }
        const std::vector<Relocation> all = changes_to(state_, layer_, plan.counts);
        bool improved = state_.consider(all);
        LayerRoom room = room_;
        room.charge(ffn_of(state_, layer_), ffn);
        if (!step.sliced()) {
            room.charge(proj_of(state_, layer_), proj);
        }
        for (const Unit unit : units_of(state_.blocks())) {
            improved |= try_thresholds(unit, plan, all, others, room);
        }
        return improved;
    }

    /// Returns how long the layer takes until the outputs of these units are at their target.
    [[nodiscard]] Nanoseconds until_gathered(Unit unit, const LayerPlan& plan) const {
        const StepDelay& step = state_.step();
        const LayerCounts& counts = plan.counts;
        if (unit == Unit::slice) {
            return step.through_slices(layer_, counts.ffn, counts.slices.data());
        }
        return step.until_proj(
            layer_,
            state_.incumbent().activation_device(layer_),
            {counts.groups.data(), counts.proj, counts.ffn, counts.slices.data()}
        );
    }

    /// Tries thresholds on the finish of the units of one kind, with the rest of the plan as it is.
    bool try_thresholds(
        Unit unit,
        const LayerPlan& plan,
        const std::vector<Relocation>& all,
        Nanoseconds others,
        LayerRoom room
    ) {
        const LayerCounts& counts = plan.counts;
        if (state_.step().sliced()) {
            const bool groups = unit == Unit::group;
            room.charge(groups ? Unit::slice : Unit::group, groups ? counts.slices : counts.groups);
        }
        const BlockKind kind = unit == Unit::group ? BlockKind::group : BlockKind::slice;
        std::vector<Relocation> rest;
        std::ranges::copy_if(all, std::back_inserter(rest), [&](const Relocation& change) {
            return state_.blocks().name(change.block).kind != kind;
        });
        const std::size_t from =
            unit == Unit::group ? state_.incumbent().activation_device(layer_) : counts.ffn;
        const Gathering gathering{layer_, from, counts.proj, unit};
        const std::vector<std::int32_t> max_units = room.max_units(unit);
        // Where transfers add up, the finish of the units is no bound of the step's time.
        const bool adds = state_.model().adds_transfers();
        const Nanoseconds least = adds ? 0 : until_gathered(unit, plan);
        const Nanoseconds beside = adds ? 0 : others + plan.time - least;
        const std::size_t fixed = rest.size();
        bool improved = false;
        for (const Nanoseconds time : thresholds(gathering, max_units, least)) {
            if (state_.exhausted() ||
                state_.objective_of(beside + time, 0) >= state_.objective_now()) {
                break;
            }
            const std::vector<std::int32_t> within = units_within(gathering, max_units, time);
            std::int64_t room_for = 0;
            for (const std::int32_t n : within) {
                room_for += n;
            }
            if (room_for < count_of(state_.blocks(), unit)) {
                continue;
            }
            rest.resize(fixed);
            std::ranges::copy(regroup(state_, gathering, within), std::back_inserter(rest));
            improved |= state_.consider(rest);
        }
        return improved;
    }

    /// Returns the finishes above `least` at which one more unit can stay on its previous device.
    [[nodiscard]] std::vector<Nanoseconds> thresholds(
        const Gathering& gathering, const std::vector<std::int32_t>& max_units, Nanoseconds least
    ) const {
        std::vector<std::int32_t> at_home(max_units.size(), 0);
        for (std::int32_t i = 0; i < count_of(state_.blocks(), gathering.unit); ++i) {
            const BlockId id = unit_of(state_.blocks(), gathering.unit, layer_, i);
            ++at_home[state_.incumbent().moves().previous_device(id).index()];
        }
        std::vector<Nanoseconds> times;
        for (std::size_t d = 0; d < max_units.size(); ++d) {
            for (std::int32_t n = 1; n <= std::min(at_home[d], max_units[d]); ++n) {
                const Nanoseconds time = state_.model().finish(gathering, d, n);
                if (time > least) {
                    times.push_back(time);
                }
            }
        }
        thin_out(times, state_.settings().thresholds);
        return times;
    }

    /// Returns how many units each device can finish by `time`.
    [[nodiscard]] std::vector<std::int32_t> units_within(
        const Gathering& gathering, std::vector<std::int32_t> units, Nanoseconds time
    ) const {
        for (std::size_t d = 0; d < units.size(); ++d) {
            std::int32_t too_many = units[d] + 1;
            for (units[d] = 0; too_many - units[d] > 1;) {
                const std::int32_t middle = (units[d] + too_many) / 2;
                (state_.model().finish(gathering, d, middle) > time ? too_many : units[d]) = middle;
            }
        }
        return units;
    }

    SearchState& state_;
    std::size_t layer_;
    LayerRoom room_;
    Nanoseconds others_; ///< D_inf without this layer and what follows it
};

} // namespace

LayerPlan plan_layer(SearchState& state, LayerRoom& room) {
    const std::size_t layer = room.layer();
    const Hosts hosts = hosts_of(state, room);
    const std::size_t per_host = 1 + state.devices() / 128;
    state.spend(work_of_spread(state) * static_cast<std::int64_t>(hosts.proj.size() * per_host));
    return best_plan(
        state.spreads(),
        room,
        state.incumbent().activation_device(layer),
        hosts,
        host_costs(state, layer, hosts)
    );
}

std::vector<Relocation> changes_to(
    SearchState& state, std::size_t layer, const LayerCounts& counts
) {
    std::vector<Relocation> changes = {
        {proj_of(state, layer), DeviceId(counts.proj)},
        {ffn_of(state, layer), DeviceId(counts.ffn)}};
    for (const Unit unit : units_of(state.blocks())) {
        const Gathering gathering{
            layer, state.incumbent().activation_device(layer), counts.proj, unit};
        std::ranges::copy(
            regroup(state, gathering, unit == Unit::group ? counts.groups : counts.slices),
            std::back_inserter(changes)
        );
    }
    return changes;
}

bool reoptimise_layers(SearchState& state) {
    return state.sweep(Sweep::reoptimise, [&](std::size_t layer) {
        return LayerReoptimisation(state, layer).improve();
    });
}

} // namespace headroom::scheduler
