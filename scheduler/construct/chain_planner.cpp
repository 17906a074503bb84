// The plan without memory limits is a shortest path. Its nodes are the device that holds x before a
// layer, the device of proj, and so on. The edges are the parts of the layer between two such
// devices, with the units spread best.
#include "scheduler/construct/chain_planner.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "scheduler/construct/spread_paper.hpp"
#include "scheduler/cost/block_cost.hpp"
#include "scheduler/cost/memory_ledger.hpp"
#include "scheduler/layers/layer_path.hpp"

namespace headroom::scheduler {
namespace {

constexpr std::size_t kMaxPlannedHosts = 16; // most devices that may hold x in the unlimited plan
constexpr std::size_t kMaxScanned = 32;      // in larger fleets a heap finds the next device

/// Returns the i below n with the least value(i), the first of equal ones.
std::size_t least_of(std::size_t n, const auto& value) {
    std::size_t least = 0;
    for (std::size_t i = 1; i < n; ++i) {
        least = value(i) < value(least) ? i : least;
    }
    return least;
}

/// A time longer than that of every path. A sum of several such times does not overflow.
constexpr Nanoseconds kImpossible = kStall * 1000;

/// Returns the devices to try as hosts: all, or in a large fleet the fastest and the source.
std::vector<std::size_t> hosts_of(const StepDelay& step) {
    std::vector<std::size_t> hosts = devices_by_speed(step);
    if (hosts.size() > kMaxPlannedHosts) {
        hosts.resize(kMaxPlannedHosts);
        hosts.push_back(step.source());
    }
    std::sort(hosts.begin(), hosts.end());
    hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
    return hosts;
}

/// The best spreads of the units of one layer without memory limits, and their times.
struct SpreadTable {
    std::vector<std::vector<std::int32_t>> groups; ///< [activation device][target]
    std::vector<Nanoseconds> ready; ///< [activation device][target]: until proj has computed
    std::vector<std::vector<std::int32_t>> slices; ///< [hub]; empty if not sliced
    std::vector<Nanoseconds> slice_time;           ///< [hub]
};

SpreadTable spread_table(
    const Problem& problem,
    const StepDelay& step,
    std::size_t layer,
    const std::vector<std::size_t>& hosts
) {
    const Blocks& blocks = *problem.blocks;
    const std::vector<std::int32_t> max_units(
        step.devices(), std::max(blocks.groups(), blocks.slices())
    );
    SpreadTable table;
    for (std::size_t h = 0; h < hosts.size(); ++h) {
        for (std::size_t p = 0; p < hosts.size(); ++p) {
            // D_T does not depend on the activation device, so one spread serves for all of them.
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
        table.slice_time.push_back(step.through_slices(layer, hosts[u], table.slices[u].data()));
    }
    return table;
}

/// Returns the same as fill_up() from no units, for many devices. Every device enters the heap with
/// a lower bound that leaves out its link to the target. The link is read when the device comes to
/// the top, because in a large table reading it is a cache miss.
std::vector<std::int32_t> spread_by_heap(
    const StepDelay& step,
    const Gathering& gathering,
    const std::vector<std::int32_t>& max_units,
    std::int32_t n
) {
    const auto& [layer, activation_device, target, unit] = gathering;
    struct Next {
        Nanoseconds time = 0; ///< when the device would finish one more unit
        std::size_t device = 0;
        bool exact = false; ///< whether `time` includes the link to the target
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

std::vector<std::size_t> devices_by_speed(const StepDelay& step) {
    std::vector<std::size_t> order(step.devices());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t a) { return step.layer_alone(0, a); });
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
    std::vector<Nanoseconds> next(max_units.size(), kNever); // end of one more unit, per device
    const auto update = [&,
                         layer = layer,
                         activation_device = activation_device,
                         target = target,
                         unit = unit](std::size_t j) {
        next[j] = counts[j] < max_units[j]
                      ? step.partial(layer, activation_device, j, target, counts[j] + 1, unit)
                      : kNever;
    };
    for (std::size_t j = 0; j < max_units.size(); ++j) {
        update(j);
    }
    for (std::int32_t k = std::accumulate(counts.begin(), counts.end(), 0); k < n; ++k) {
        const std::size_t least = least_of(next.size(), [&](std::size_t j) { return next[j]; });
        if (next[least] == kNever) {
            return false;
        }
        ++counts[least];
        update(least);
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
    // D_T does not depend on the activation device.
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
    // The best device for lm_head, memory ignored, if x ends on `activation_device`.
    const auto lm_head = [&](std::size_t activation_device) {
        const auto time = [&](std::size_t d) { return step.finish(activation_device, d); };
        return embed_anywhere ? least_of(step.devices(), time) : step.source();
    };
    const std::size_t n = hosts.size();
    const std::size_t layers = shape.layer_types.size();
    // Row 2·l: the device that holds x before layer l; row 2·l + 1: the device of its proj.
    LayerPaths<Nanoseconds> paths(2 * layers + 1, n, kNever / 2);
    for (std::size_t h = 0; h < n; ++h) {
        const bool may_start = embed_anywhere || hosts[h] == step.source();
        paths.at(0, h) = may_start ? step.start(hosts[h]) : kImpossible;
    }
    std::vector<SpreadTable> tables;
    std::vector<std::size_t> table_of; // per layer
    const auto to_proj = [&](std::size_t l) {
        return [&table = tables[table_of[l]], n](std::size_t h, std::size_t p) {
            return table.ready[h * n + p];
        };
    };
    const auto from_proj = [&](std::size_t l) {
        return [&, l](std::size_t p, std::size_t f) {
            if (step.sliced()) { // the hub is both
                return p == f ? tables[table_of[l]].slice_time[f] : paths.none();
            }
            return step.from_proj(l, hosts[p], hosts[f]);
        };
    };
    for (std::size_t l = 0; l < layers; ++l) {
        if (l == 0 || shape.layer_types[l] != shape.layer_types[l - 1]) {
            tables.push_back(spread_table(problem, step, l, hosts));
        }
        table_of.push_back(tables.size() - 1);
        paths.forward(2 * l + 1, to_proj(l));
        paths.forward(2 * l + 2, from_proj(l));
    }
    std::size_t host = paths.least(2 * layers, [&](std::size_t f) {
        return step.finish(hosts[f], lm_head(hosts[f]));
    });
    Placement placement(blocks.size(), problem.source);
    if (shape.has_ends) {
        placement[blocks.lm_head().index()] = DeviceId(lm_head(hosts[host]));
    }
    for (std::size_t l = layers; l-- > 0;) {
        const SpreadTable& table = tables[table_of[l]];
        const std::size_t proj = paths.before(2 * l + 2, host, from_proj(l));
        const std::size_t before = paths.before(2 * l + 1, proj, to_proj(l));
        const LayerCounts counts{
            hosts[proj],
            hosts[host],
            table.groups[before * n + proj],
            step.sliced() ? table.slices[host] : std::vector<std::int32_t>()};
        place_layer(blocks, l, counts, [&](BlockId b, DeviceId d) { placement[b.index()] = d; });
        host = before;
    }
    if (shape.has_ends) {
        placement[blocks.embed().index()] = DeviceId(hosts[host]);
    }
    return placement;
}

} // namespace headroom::scheduler
