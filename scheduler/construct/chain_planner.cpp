// See chain_planner.hpp. The plan without memory limits is a cheapest path over the device that
// holds x between layers, with the groups spread for each pair of activation device and proj.
#include "scheduler/construct/chain_planner.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "scheduler/construct/spread_paper.hpp"
#include "scheduler/cost/block_cost.hpp"
#include "scheduler/cost/memory_ledger.hpp"

namespace headroom::scheduler {
namespace {

constexpr std::size_t kMaxPlanned = 16; // devices that may hold x in the unlimited plan
constexpr std::size_t kMaxScanned = 32; // devices above which a heap finds the next one

/// Returns the best device for lm_head, memory ignored, if x ends on `activation_device`.
std::size_t best_lm_head(const StepDelay& step, std::size_t activation_device) {
    std::size_t best = 0;
    for (std::size_t d = 1; d < step.devices(); ++d) {
        if (step.finish(activation_device, d) < step.finish(activation_device, best)) {
            best = d;
        }
    }
    return best;
}

/// Later than any path, yet a sum of a few does not overflow.
constexpr Nanoseconds kImpossible = kStall * 1000;

/// In a large fleet only some devices are tried as hosts: the source and the fastest.
std::vector<std::size_t> hosts_of(const StepDelay& step) {
    std::vector<std::size_t> hosts = devices_by_speed(step);
    if (hosts.size() > kMaxPlanned) {
        hosts.resize(kMaxPlanned);
        hosts.push_back(step.source());
    }
    std::sort(hosts.begin(), hosts.end());
    hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
    return hosts;
}

/// For every pair of hosts (activation device, target): the spread of the groups, and when proj has
/// computed. For every hub: the spread of the slices, and how long they take.
struct Gathered {
    std::vector<std::vector<std::int32_t>> groups; ///< [activation device][target]
    std::vector<Nanoseconds> ready;
    std::vector<std::vector<std::int32_t>> slices; ///< [hub]; empty if not sliced
    std::vector<Nanoseconds> sliced;
};

Gathered gather_table(
    const Problem& problem,
    const StepDelay& step,
    std::size_t layer,
    const std::vector<std::size_t>& hosts
) {
    const Blocks& blocks = *problem.blocks;
    const std::vector<std::int32_t> max_units(
        step.devices(), std::max(blocks.groups(), blocks.slices())
    );
    Gathered table;
    for (std::size_t h = 0; h < hosts.size(); ++h) {
        for (std::size_t p = 0; p < hosts.size(); ++p) {
            // D_T has no activation device: the spread for the first host serves for all.
            std::vector<std::int32_t> counts =
                step.uses_paper_formulas() && h > 0
                    ? table.groups[p]
                    : spread_units(
                          step, {layer, hosts[h], hosts[p], Unit::group}, max_units, blocks.groups()
                      );
            table.ready.push_back(
                step.until_proj(layer, hosts[h], {counts.data(), hosts[p], hosts[p]})
            );
            table.groups.push_back(std::move(counts));
        }
    }
    for (std::size_t u = 0; u < hosts.size() && step.sliced(); ++u) {
        table.slices.push_back(
            spread_units(step, {layer, hosts[u], hosts[u], Unit::slice}, max_units, blocks.slices())
        );
        table.sliced.push_back(step.through_slices(layer, hosts[u], table.slices[u].data()));
    }
    return table;
}

/// How x reaches each host by the end of a layer: the path's last step and its time.
struct Stage {
    std::vector<Nanoseconds> time;
    std::vector<std::size_t> activation_device; ///< before the layer
    std::vector<std::size_t> proj;
    std::vector<LayerCounts> counts;
};

Stage next_stage(
    const StepDelay& step,
    std::size_t layer,
    const std::vector<std::size_t>& hosts,
    const Gathered& table,
    const std::vector<Nanoseconds>& so_far
) {
    const std::size_t n = hosts.size();
    Stage stage{
        std::vector<Nanoseconds>(n, kNever),
        std::vector<std::size_t>(n, 0),
        std::vector<std::size_t>(n, 0),
        {}};
    for (std::size_t p = 0; p < n; ++p) {
        std::size_t h = 0;
        for (std::size_t k = 1; k < n; ++k) {
            const bool sooner =
                so_far[k] + table.ready[k * n + p] < so_far[h] + table.ready[h * n + p];
            h = sooner ? k : h;
        }
        const Nanoseconds ready = so_far[h] + table.ready[h * n + p];
        for (std::size_t f = 0; f < n; ++f) {
            if (step.sliced() && f != p) {
                continue; // one hub
            }
            const Nanoseconds time =
                ready +
                (step.sliced() ? table.sliced[f] : step.from_proj(layer, hosts[p], hosts[f]));
            if (time < stage.time[f]) {
                stage.time[f] = time;
                stage.activation_device[f] = h;
                stage.proj[f] = p;
            }
        }
    }
    for (std::size_t f = 0; f < n; ++f) {
        stage.counts.push_back(
            {hosts[stage.proj[f]],
             hosts[f],
             table.groups[stage.activation_device[f] * n + stage.proj[f]],
             step.sliced() ? table.slices[f] : std::vector<std::int32_t>()}
        );
    }
    return stage;
}

/// The same by a heap, for many devices. A device stands in it with a bound at first: until it
/// comes to the top nobody asks for its link to the target, which in a large table is a cache miss.
std::vector<std::int32_t> spread_by_heap(
    const StepDelay& step,
    const Gathering& gathering,
    const std::vector<std::int32_t>& max_units,
    std::int32_t n
) {
    const auto& [layer, activation_device, target, unit] = gathering;
    struct Next {
        Nanoseconds time = 0; ///< when one more unit would be done
        std::size_t device = 0;
        bool exact = false;
    };
    const auto later = [](const Next& a, const Next& b) {
        return a.time != b.time ? a.time > b.time : a.device > b.device;
    };
    std::vector<Next> heap;
    for (std::size_t j = 0; j < max_units.size(); ++j) {
        if (max_units[j] > 0) {
            heap.push_back({step.partial(layer, activation_device, j, j, 1, unit), j, j == target});
        }
    }
    std::make_heap(heap.begin(), heap.end(), later);
    std::vector<std::int32_t> counts(max_units.size(), 0);
    for (std::int32_t k = 0; k < n;) {
        if (heap.empty()) {
            return {};
        }
        std::pop_heap(heap.begin(), heap.end(), later);
        Next& next = heap.back();
        const std::size_t j = next.device;
        if (next.exact) {
            ++k;
            ++counts[j];
        }
        if (counts[j] == max_units[j]) {
            heap.pop_back();
            continue;
        }
        next = {step.partial(layer, activation_device, j, target, counts[j] + 1, unit), j, true};
        std::push_heap(heap.begin(), heap.end(), later);
    }
    return counts;
}

} // namespace

void put_layer(
    const Blocks& blocks, std::size_t layer, const LayerCounts& counts, Placement& placement
) {
    for (const Unit unit : units_of(blocks)) {
        const auto& each = unit == Unit::group ? counts.groups : counts.slices;
        std::int32_t next = 0;
        for (std::size_t d = 0; d < each.size(); ++d) {
            for (std::int32_t k = 0; k < each[d]; ++k) {
                placement[unit_of(blocks, unit, layer, next++).index()] = DeviceId(d);
            }
        }
    }
    placement[reduction_block_of(blocks, layer).index()] = DeviceId(counts.proj);
    placement[activation_block_of(blocks, layer).index()] = DeviceId(counts.ffn);
}

std::vector<std::size_t> devices_by_speed(const StepDelay& step) {
    std::vector<std::size_t> order(step.devices());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return step.layer_alone(0, a) < step.layer_alone(0, b);
    });
    return order;
}

namespace {

/// Gives units one by one to the device that finishes its share first until `counts` has n of them.
/// Returns false if `max_units` admits fewer.
bool fill_up(
    const StepDelay& step,
    const Gathering& gathering,
    const std::vector<std::int32_t>& max_units,
    std::int32_t n,
    std::vector<std::int32_t>& counts
) {
    const auto& [layer, activation_device, target, unit] = gathering;
    std::vector<Nanoseconds> next(max_units.size(), kNever); // when one more unit would be done
    const auto look = [&,
                       layer = layer,
                       activation_device = activation_device,
                       target = target,
                       unit = unit](std::size_t j) {
        next[j] = counts[j] < max_units[j]
                      ? step.partial(layer, activation_device, j, target, counts[j] + 1, unit)
                      : kNever;
    };
    for (std::size_t j = 0; j < max_units.size(); ++j) {
        look(j);
    }
    for (std::int32_t k = std::accumulate(counts.begin(), counts.end(), 0); k < n; ++k) {
        std::size_t least = 0;
        for (std::size_t j = 1; j < next.size(); ++j) {
            least = next[j] < next[least] ? j : least;
        }
        if (next[least] == kNever) {
            return false;
        }
        ++counts[least];
        look(least);
    }
    return true;
}

} // namespace

std::vector<std::int32_t> spread_units(
    const StepDelay& step,
    const Gathering& gathering,
    const std::vector<std::int32_t>& max_units,
    std::int32_t n
) {
    if (step.uses_paper_formulas()) {
        return spread_by_formula(step, gathering.layer, gathering.target, max_units, n);
    }
    if (max_units.size() > kMaxScanned) {
        return spread_by_heap(step, gathering, max_units, n);
    }
    std::vector<std::int32_t> counts(max_units.size(), 0);
    return fill_up(step, gathering, max_units, n, counts) ? counts : std::vector<std::int32_t>();
}

Spreads::Spreads(const Problem& problem, const StepDelay& step) : problem_(&problem), step_(&step) {
    const Blocks& blocks = *problem.blocks;
    const std::vector<LayerTypes>& types = blocks.shape().layer_types;
    for (std::size_t l = 0; l < types.size(); ++l) {
        const auto alike = std::find(types.begin(), types.end(), types[l]);
        first_alike_.push_back(static_cast<std::size_t>(alike - types.begin()));
    }
    for (const Unit unit : units_of(blocks)) {
        std::vector<std::int32_t> most(step.devices(), count_of(blocks, unit));
        const Amount need{
            0, step.uses_paper_formulas() ? cost_of(problem, blocks.group(0, 0)).compute : 0};
        for (std::size_t d = 0; d < most.size(); ++d) {
            most[d] =
                Amount{0, compute_limit(problem, problem.snapshot.devices[d])}.times(need, most[d]);
        }
        unlimited_units_.push_back(std::move(most));
    }
}

const std::vector<std::int32_t>& Spreads::unlimited(const Gathering& gathering) {
    const auto& [layer, activation_device, target, unit] = gathering;
    const std::size_t n = step_->devices();
    const std::size_t kind = unit == Unit::group ? 0 : 1;
    // D_T has no activation device.
    const std::size_t from = step_->uses_paper_formulas() ? 0 : activation_device;
    const std::size_t at =
        ((first_alike_[layer] * unlimited_units_.size() + kind) * n + from) * n + target;
    if (at >= memo_.size()) {
        memo_.resize((first_alike_[layer] + 1) * unlimited_units_.size() * n * n);
    }
    if (memo_[at].empty()) {
        memo_[at] = spread_units(
            *step_, gathering, unlimited_units_[kind], count_of(*problem_->blocks, unit)
        );
        if (memo_[at].empty()) { // too little compute for all units
            memo_[at].assign(n, 0);
        }
    }
    return memo_[at];
}

std::vector<std::int32_t> Spreads::within(
    const Gathering& gathering, const std::vector<std::int32_t>& max_units
) {
    const std::int32_t n = count_of(*problem_->blocks, gathering.unit);
    if (max_units.size() > kMaxRemembered) {
        return spread_units(*step_, gathering, max_units, n);
    }
    std::vector<std::int32_t> counts = unlimited(gathering);
    std::int32_t placed = 0;
    for (std::size_t d = 0; d < counts.size(); ++d) {
        counts[d] = std::min(counts[d], max_units[d]);
        placed += counts[d];
    }
    if (placed == n) {
        return counts;
    }
    if (step_->uses_paper_formulas()) {
        return spread_by_formula(*step_, gathering.layer, gathering.target, max_units, n);
    }
    if (std::accumulate(max_units.begin(), max_units.end(), std::int64_t{0}) < n) {
        return {};
    }
    return fill_up(*step_, gathering, max_units, n, counts) ? counts : std::vector<std::int32_t>();
}

Placement unlimited_plan(const Problem& problem, const StepDelay& step) {
    const Blocks& blocks = *problem.blocks;
    const ModelShape& shape = blocks.shape();
    const std::vector<std::size_t> hosts = hosts_of(step);
    const bool embed_anywhere = shape.has_ends && !problem.ends_at_source;
    const auto lm_head = [&](std::size_t activation_device) {
        return embed_anywhere ? best_lm_head(step, activation_device) : step.source();
    };
    std::vector<Nanoseconds> so_far;
    for (const std::size_t h : hosts) {
        so_far.push_back(embed_anywhere || h == step.source() ? step.start(h) : kImpossible);
    }
    std::vector<Stage> stages;
    Gathered table;
    for (std::size_t l = 0; l < shape.layer_types.size(); ++l) {
        if (l == 0 || shape.layer_types[l] != shape.layer_types[l - 1]) {
            table = gather_table(problem, step, l, hosts);
        }
        stages.push_back(next_stage(step, l, hosts, table, so_far));
        so_far = stages.back().time;
    }
    std::size_t last = 0;
    const auto total = [&](std::size_t f) {
        return so_far[f] + step.finish(hosts[f], lm_head(hosts[f]));
    };
    for (std::size_t f = 1; f < hosts.size(); ++f) {
        last = total(f) < total(last) ? f : last;
    }
    Placement placement(blocks.size(), problem.source);
    if (shape.has_ends) {
        placement[blocks.lm_head().index()] = DeviceId(lm_head(hosts[last]));
    }
    for (std::size_t l = stages.size(); l-- > 0;) {
        put_layer(blocks, l, stages[l].counts[last], placement);
        last = stages[l].activation_device[last];
    }
    if (shape.has_ends) {
        placement[blocks.embed().index()] = DeviceId(hosts[last]);
    }
    return placement;
}

} // namespace headroom::scheduler
