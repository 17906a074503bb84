// See chain_planner.hpp. The plan without memory limits is a cheapest path over the device that
// holds x between layers, with the groups spread for each pair of holder and proj.
#include "scheduler/construct/chain_planner.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "scheduler/construct/spread_paper.hpp"
#include "scheduler/cost/block_cost.hpp"
#include "scheduler/cost/memory_ledger.hpp"

namespace headroom::scheduler {
namespace {

constexpr std::size_t kMostPlanned = 16; // devices that may hold x in the unlimited plan
constexpr std::size_t kMostScanned = 32; // devices above which a heap finds the next one

/// The best device for lm_head when x ends on `holder`, memory ignored.
std::size_t best_lm_head(const StepDelay& step, std::size_t holder) {
    std::size_t best = 0;
    for (std::size_t d = 1; d < step.devices(); ++d) {
        if (step.finish(holder, d) < step.finish(holder, best)) {
            best = d;
        }
    }
    return best;
}

/// Later than any path, yet a sum of a few does not overflow.
constexpr Nanoseconds kImpossible = kStall * 1000;

/// In a large fleet only some devices are tried as hosts: the source and the fastest.
std::vector<std::size_t> hosts_of(const StepDelay& step) {
    std::vector<std::size_t> hosts = by_speed(step);
    if (hosts.size() > kMostPlanned) {
        hosts.resize(kMostPlanned);
        hosts.push_back(step.source());
    }
    std::sort(hosts.begin(), hosts.end());
    hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
    return hosts;
}

/// For every pair of hosts (holder of x, gathering device): the groups spread, and when they are
/// gathered (proj has computed). For every hub its slices, and how long they take.
struct Gathered {
    std::vector<std::vector<std::int32_t>> groups; ///< [holder][target]
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
    const std::vector<std::int32_t> caps(
        step.devices(), std::max(blocks.groups(), blocks.slices())
    );
    Gathered table;
    for (std::size_t h = 0; h < hosts.size(); ++h) {
        for (std::size_t p = 0; p < hosts.size(); ++p) {
            // The formula knows no holder of x: the first one's spread serves for all.
            std::vector<std::int32_t> counts =
                step.by_formula() && h > 0
                    ? table.groups[p]
                    : spread_units(
                          step, {layer, hosts[h], hosts[p], Unit::group}, caps, blocks.groups()
                      );
            table.ready.push_back(
                step.until_proj(layer, hosts[h], {counts.data(), hosts[p], hosts[p]})
            );
            table.groups.push_back(std::move(counts));
        }
    }
    for (std::size_t u = 0; u < hosts.size() && step.sliced(); ++u) {
        table.slices.push_back(
            spread_units(step, {layer, hosts[u], hosts[u], Unit::slice}, caps, blocks.slices())
        );
        table.sliced.push_back(step.through_slices(layer, hosts[u], table.slices[u].data()));
    }
    return table;
}

/// How x reaches each host by the end of a layer: the path's last step and its time.
struct Stage {
    std::vector<Nanoseconds> time;
    std::vector<std::size_t> holder; ///< before the layer
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
                stage.holder[f] = h;
                stage.proj[f] = p;
            }
        }
    }
    for (std::size_t f = 0; f < n; ++f) {
        stage.counts.push_back(
            {hosts[stage.proj[f]],
             hosts[f],
             table.groups[stage.holder[f] * n + stage.proj[f]],
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
    const std::vector<std::int32_t>& caps,
    std::int32_t n
) {
    const auto& [layer, holder, target, unit] = gathering;
    struct Next {
        Nanoseconds time = 0; ///< when one more unit would be done
        std::size_t device = 0;
        bool exact = false;
    };
    const auto later = [](const Next& a, const Next& b) {
        return a.time != b.time ? a.time > b.time : a.device > b.device;
    };
    std::vector<Next> heap;
    for (std::size_t j = 0; j < caps.size(); ++j) {
        if (caps[j] > 0) {
            heap.push_back({step.partial(layer, holder, j, j, 1, unit), j, j == target});
        }
    }
    std::make_heap(heap.begin(), heap.end(), later);
    std::vector<std::int32_t> counts(caps.size(), 0);
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
        if (counts[j] == caps[j]) {
            heap.pop_back();
            continue;
        }
        next = {step.partial(layer, holder, j, target, counts[j] + 1, unit), j, true};
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
    placement[gatherer_of(blocks, layer).index()] = DeviceId(counts.proj);
    placement[holder_of(blocks, layer).index()] = DeviceId(counts.ffn);
}

/// The devices in order of what one layer takes on them, fastest first.
std::vector<std::size_t> by_speed(const StepDelay& step) {
    std::vector<std::size_t> order(step.devices());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return step.layer_alone(0, a) < step.layer_alone(0, b);
    });
    return order;
}

namespace {

/// Gives units one by one to the device that finishes its share first until `counts` has n of them.
/// False if the caps do not hold them all.
bool fill_up(
    const StepDelay& step,
    const Gathering& gathering,
    const std::vector<std::int32_t>& caps,
    std::int32_t n,
    std::vector<std::int32_t>& counts
) {
    const auto& [layer, holder, target, unit] = gathering;
    std::vector<Nanoseconds> next(caps.size(), kNever); // when one more unit would be done
    const auto look =
        [&, layer = layer, holder = holder, target = target, unit = unit](std::size_t j) {
            next[j] = counts[j] < caps[j]
                          ? step.partial(layer, holder, j, target, counts[j] + 1, unit)
                          : kNever;
        };
    for (std::size_t j = 0; j < caps.size(); ++j) {
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
    const std::vector<std::int32_t>& caps,
    std::int32_t n
) {
    if (step.by_formula()) {
        return spread_by_formula(step, gathering.layer, gathering.target, caps, n);
    }
    if (caps.size() > kMostScanned) {
        return spread_by_heap(step, gathering, caps, n);
    }
    std::vector<std::int32_t> counts(caps.size(), 0);
    return fill_up(step, gathering, caps, n, counts) ? counts : std::vector<std::int32_t>();
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
        const Amount need{0, step.by_formula() ? cost_of(problem, blocks.group(0, 0)).compute : 0};
        for (std::size_t d = 0; d < most.size(); ++d) {
            most[d] =
                Amount{0, compute_limit(problem, problem.snapshot.devices[d])}.times(need, most[d]);
        }
        most_.push_back(std::move(most));
    }
}

const std::vector<std::int32_t>& Spreads::unlimited(const Gathering& gathering) {
    const auto& [layer, holder, target, unit] = gathering;
    const std::size_t n = step_->devices();
    const std::size_t kind = unit == Unit::group ? 0 : 1;
    // The formula knows no holder of x.
    const std::size_t from = step_->by_formula() ? 0 : holder;
    const std::size_t at = ((first_alike_[layer] * most_.size() + kind) * n + from) * n + target;
    if (at >= memo_.size()) {
        memo_.resize((first_alike_[layer] + 1) * most_.size() * n * n);
    }
    if (memo_[at].empty()) {
        memo_[at] = spread_units(*step_, gathering, most_[kind], count_of(*problem_->blocks, unit));
        if (memo_[at].empty()) { // too little compute for all, so no caps will do
            memo_[at].assign(n, 0);
        }
    }
    return memo_[at];
}

std::vector<std::int32_t> Spreads::within(
    const Gathering& gathering, const std::vector<std::int32_t>& caps
) {
    const std::int32_t n = count_of(*problem_->blocks, gathering.unit);
    if (caps.size() > kMostRemembered) {
        return spread_units(*step_, gathering, caps, n);
    }
    std::vector<std::int32_t> counts = unlimited(gathering);
    std::int32_t placed = 0;
    for (std::size_t d = 0; d < counts.size(); ++d) {
        counts[d] = std::min(counts[d], caps[d]);
        placed += counts[d];
    }
    if (placed == n) {
        return counts;
    }
    if (step_->by_formula()) {
        return spread_by_formula(*step_, gathering.layer, gathering.target, caps, n);
    }
    if (std::accumulate(caps.begin(), caps.end(), std::int64_t{0}) < n) {
        return {};
    }
    return fill_up(*step_, gathering, caps, n, counts) ? counts : std::vector<std::int32_t>();
}

Placement unlimited_plan(const Problem& problem, const StepDelay& step) {
    const Blocks& blocks = *problem.blocks;
    const ModelShape& shape = blocks.shape();
    const std::vector<std::size_t> hosts = hosts_of(step);
    const bool embed_anywhere = shape.ends && !problem.ends_at_source;
    const auto lm_head = [&](std::size_t holder) {
        return embed_anywhere ? best_lm_head(step, holder) : step.source();
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
    if (shape.ends) {
        placement[blocks.lm_head().index()] = DeviceId(lm_head(hosts[last]));
    }
    for (std::size_t l = stages.size(); l-- > 0;) {
        put_layer(blocks, l, stages[l].counts[last], placement);
        last = stages[l].holder[last];
    }
    if (shape.ends) {
        placement[blocks.embed().index()] = DeviceId(hosts[last]);
    }
    return placement;
}

} // namespace headroom::scheduler
