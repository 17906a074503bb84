#include "scheduler/bounds/relaxed_costs.hpp"

#include <algorithm>
#include <limits>

#include "scheduler/cost/block_cost.hpp"
#include "scheduler/cost/message_cost.hpp"

namespace headroom::scheduler::bounds {
namespace {

double ns_per_byte(PerSecond rate) {
    return RelaxedCosts::capped(seconds(1, rate) * kNsPerSecond);
}

} // namespace

RelaxedCosts::RelaxedCosts(const Problem& problem)
    : problem_(&problem), step_(problem), devices_(problem.snapshot.size()),
      steps_(static_cast<double>(problem.steps())), sliced_(problem.blocks->sliced()),
      by_formula_(step_.uses_paper_formulas()), gathers_max_(step_.gathers_max()) {
    tabulate_overheads();
    tabulate_links();
    tabulate_layers();
    tabulate_ends();
    find_capacities();
}

/// The published formulas know no overheads.
void RelaxedCosts::tabulate_overheads() {
    for (std::size_t d = 0; d < devices_; ++d) {
        operation_overhead_.push_back(weighed(step_.operation_overhead(d)));
        message_overhead_.push_back(
            by_formula_ ? 0 : weighed(scheduler::message_overhead(problem_->snapshot, d))
        );
    }
}

double RelaxedCosts::ns_per_byte_on_media(std::size_t from, std::size_t to) const {
    const Snapshot& snapshot = problem_->snapshot;
    const MediaShares shares = lone_shares(snapshot, from, to);
    const auto on_medium_of = [&](std::size_t d, std::int32_t share) {
        return share == 0
                   ? 0
                   : share *
                         ns_per_byte(
                             snapshot.media[static_cast<std::size_t>(snapshot.devices[d].medium)]
                         );
    };
    return capped(std::max(on_medium_of(from, shares.sender), on_medium_of(to, shares.receiver)));
}

void RelaxedCosts::tabulate_links() {
    x_bytes_ = step_.x_bytes();
    output_bytes_ = step_.outputs_bytes(1);
    x_time_.assign(devices_ * devices_, 0);
    ns_per_byte_.assign(devices_ * devices_, 0);
    latency_.assign(devices_ * devices_, 0);
    for (std::size_t from = 0; from < devices_; ++from) {
        for (std::size_t to = 0; to < devices_; ++to) {
            if (from == to) {
                continue;
            }
            const Snapshot::Link& link = problem_->snapshot.link_at(from * devices_ + to);
            double& each = ns_per_byte_[to * devices_ + from];
            each = ns_per_byte(link.bandwidth);
            if (!by_formula_) {
                each = std::max(each, ns_per_byte_on_media(from, to));
                x_time_[from * devices_ + to] = weighed(step_.x_time(from, to));
                latency_[to * devices_ + from] = weighed(link.latency);
            }
        }
    }
    for (const Snapshot::Device& device : problem_->snapshot.devices) {
        storage_ns_per_byte_.push_back(ns_per_byte(device.storage_bandwidth));
    }
}

HostBlock RelaxedCosts::host_block(BlockId b) const {
    const std::size_t origin = moves() ? (*problem_->previous)[b.index()].index() : kNowhere;
    return {exact::size_of(*problem_, b, false), origin};
}

std::size_t RelaxedCosts::add_pool(std::size_t layer, bool slices) {
    const Blocks& blocks = *problem_->blocks;
    const Unit unit = slices ? Unit::slice : Unit::group;
    PoolUnits pool;
    pool.slices = slices;
    pool.times = times_of_[layer];
    pool.count = count_of(blocks, unit);
    pool.size = exact::size_of(*problem_, unit_of(blocks, unit, layer, 0), false);
    pool.holder_bytes = layer > 0 && !by_formula_ && !slices ? hosts_[layer - 1].size.weight : 0;
    for (std::int32_t i = 0; i < pool.count; ++i) {
        const HostBlock each = host_block(unit_of(blocks, unit, layer, i));
        pool.size.weight = std::min(pool.size.weight, each.size.weight);
        pool.size.message = std::min(pool.size.message, each.size.message);
        pool.size.load = std::min(pool.size.load, each.size.load);
        const auto same = std::ranges::find(pool.by_origin, each.origin, &Units::origin);
        if (same != pool.by_origin.end()) {
            ++same->count;
        } else {
            pool.by_origin.push_back({each.origin, 1});
        }
    }
    const auto found = std::ranges::find(pools_, pool);
    const auto index = static_cast<std::size_t>(found - pools_.begin());
    if (found == pools_.end()) {
        pools_.push_back(std::move(pool));
    }
    return index;
}

void RelaxedCosts::tabulate_layers() {
    const Blocks& blocks = *problem_->blocks;
    const ModelShape& shape = blocks.shape();
    std::vector<std::size_t> first_layer; // [index of times_]
    for (std::size_t l = 0; l < static_cast<std::size_t>(shape.layers); ++l) {
        const auto layer = static_cast<std::int32_t>(l);
        const auto same = std::ranges::find_if(first_layer, [&](std::size_t other) {
            return by_formula_ || blocks.alike(static_cast<std::int32_t>(other), layer);
        });
        times_of_.push_back(static_cast<std::size_t>(same - first_layer.begin()));
        if (same == first_layer.end()) {
            first_layer.push_back(l);
        }
        hosts_.push_back(host_block(blocks.activation_block(layer)));
        projs_.push_back(sliced_ ? HostBlock() : host_block(blocks.proj(layer)));
        group_pool_.push_back(add_pool(l, false));
        slice_pool_.push_back(sliced_ ? add_pool(l, true) : group_pool_.back());
    }
    if (by_formula_) {
        tabulate_formula();
        return;
    }
    for (const std::size_t l : first_layer) {
        LayerTimes times;
        for (std::size_t d = 0; d < devices_; ++d) {
            times.group.push_back(weighed(step_.group_time(l, d)));
            times.slice.push_back(sliced_ ? weighed(step_.unit_time(l, d, Unit::slice)) : 0);
            times.proj.push_back(sliced_ ? 0 : weighed(step_.proj_time(l, d)));
            times.ffn.push_back(
                sliced_ ? 2 * operation_overhead_[d] : weighed(step_.ffn_time(l, d))
            );
        }
        times_.push_back(std::move(times));
    }
}

/// The published formulas are not rounded, so the rounded times of StepDelay could be too large.
void RelaxedCosts::tabulate_formula() {
    const Blocks& blocks = *problem_->blocks;
    group_flops_ = cost_of(*problem_, blocks.group(0, 0)).compute;
    proj_flops_ = cost_of(*problem_, blocks.proj(0)).compute;
    ffn_flops_ = cost_of(*problem_, blocks.ffn(0)).compute;
    LayerTimes times;
    for (const Snapshot::Device& device : problem_->snapshot.devices) {
        const auto time = [&](Flops flops) {
            return steps_ * capped(seconds(flops, device.compute) * kNsPerSecond);
        };
        times.group.push_back(time(group_flops_));
        times.slice.push_back(0);
        times.proj.push_back(time(proj_flops_));
        times.ffn.push_back(time(ffn_flops_));
    }
    times_.push_back(std::move(times));
}

void RelaxedCosts::tabulate_ends() {
    const Blocks& blocks = *problem_->blocks;
    free_ends_ = blocks.shape().has_ends && !problem_->ends_at_source && !by_formula_;
    if (free_ends_) {
        embed_ = host_block(blocks.embed());
        lm_head_ = host_block(blocks.lm_head());
        // A tied lm_head has no matrix of its own on the device of embed; the bound leaves it out
        // on every device.
        lm_head_.size = exact::size_of(*problem_, blocks.lm_head(), blocks.shape().tied);
    }
}

void RelaxedCosts::find_capacities() {
    const Blocks& blocks = *problem_->blocks;
    for (const Snapshot::Device& device : problem_->snapshot.devices) {
        capacity_.push_back(device.memory - (by_formula_ ? 0 : problem_->buffers));
    }
    if (blocks.shape().has_ends && problem_->ends_at_source && !by_formula_) {
        capacity_[problem_->source.index()] -=
            exact::size_of(*problem_, blocks.embed(), false).weight +
            exact::size_of(*problem_, blocks.lm_head(), blocks.shape().tied).weight;
    }
}

std::int64_t RelaxedCosts::groups_within_budget(std::size_t d, Flops flops) const {
    if (!by_formula_ || group_flops_ == 0) {
        return std::numeric_limits<std::int32_t>::max();
    }
    const Flops limit = compute_limit(*problem_, problem_->snapshot.devices[d]);
    return limit < flops ? -1 : (limit - flops) / group_flops_;
}

double RelaxedCosts::start(std::size_t d) const {
    return weighed(step_.start(d));
}

double RelaxedCosts::finish(std::size_t holder, std::size_t lm_head) const {
    return weighed(step_.finish(holder, lm_head));
}

} // namespace headroom::scheduler::bounds
