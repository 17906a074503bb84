// The blocks in tables.hpp: items, pools and the scales of lanes.
#include <algorithm>
#include <utility>

#include "scheduler/cost/block_cost.hpp"
#include "scheduler/cost/message_cost.hpp"
#include "scheduler/exact/tables.hpp"

namespace headroom::scheduler::exact {
namespace {

double ending(Nanoseconds t) {
    return t >= kStall ? kInfinite : static_cast<double>(t);
}

double finite_or_zero(double t) {
    return t < kInfinite ? t : 0;
}

} // namespace

BlockSize size_of(const Problem& problem, BlockId b, bool beside_embed) {
    const Blocks& blocks = *problem.blocks;
    if (problem.cost_profile == CostProfile::paper) {
        return {cost_of(problem, b).memory, problem.paper_moved_bytes(b), 0};
    }
    const Bytes weights = (beside_embed ? 0 : blocks.matrix_bytes(b)) + blocks.norm_bytes(b);
    const Bytes rows = blocks.cache_row_bytes(b, problem.moved_rows());
    return {
        weights + blocks.cache_row_bytes(b, problem.memory_rows()),
        rows + (problem.weights_everywhere ? 0 : weights),
        problem.weights_everywhere ? weights : 0};
}

Item Tables::item_of(BlockId b, bool beside_embed) const {
    const Snapshot& snapshot = problem_->snapshot;
    Item item{size_of(*problem_, b, beside_embed), {b}, kNowhere, {}, {}, {}};
    const Bytes message = std::exchange(item.message, by_formula() ? 0 : item.message);
    item.charge.assign(devices_, 0);
    item.sent.assign(devices_, 0);
    item.loaded.assign(devices_, 0);
    if (!moves_) {
        return item;
    }
    item.origin = (*problem_->previous)[b.index()].index();
    for (std::size_t d = 0; d < devices_; ++d) {
        if (d == item.origin) {
            continue;
        }
        if (by_formula()) {
            const PerSecond bandwidth = snapshot.link_at(link(item.origin, d)).bandwidth;
            item.charge[d] = seconds(message, bandwidth) * kNsPerSecond;
            continue;
        }
        const bool late = message > 0 && latency_[link(item.origin, d)] >= kInfinite;
        item.sent[d] = late ? kInfinite : ending(link_time(snapshot, item.origin, d, message));
        item.loaded[d] = ending(bounded_duration(snapshot.devices[d].storage_bandwidth, item.load));
    }
    return item;
}

void Tables::add_pool(std::size_t layer, bool slices) {
    const Blocks& blocks = *problem_->blocks;
    const auto l = static_cast<std::int32_t>(layer);
    Pool pool{layer, slices, slices ? blocks.slices() : blocks.groups(), items_.size(), 0};
    for (std::int32_t n = 0; n < pool.units; ++n) {
        Item item = item_of(slices ? blocks.slice(l, n) : blocks.group(l, n), false);
        const auto same = std::find_if(
            items_.begin() + static_cast<std::ptrdiff_t>(pool.first_item),
            items_.end(),
            [&](const Item& other) {
                const BlockSize& size = other;
                return other.origin == item.origin && other.charge == item.charge && size == item;
            }
        );
        if (same != items_.end()) {
            same->blocks.push_back(item.blocks.front());
        } else {
            items_.push_back(std::move(item));
        }
    }
    pool.items = items_.size() - pool.first_item;
    pools_.push_back(pool);
}

void Tables::tabulate_blocks() {
    const Blocks& blocks = *problem_->blocks;
    const bool ends = blocks.shape().has_ends;
    const auto source = std::uint64_t{1} << problem_->source.index();
    std::uint64_t usable = 0;
    for (std::size_t d = 0; d < devices_; ++d) {
        usable |= capacity_[d] >= 0 ? std::uint64_t{1} << d : 0;
    }
    const auto mask_of = [&](BlockId end) {
        if (problem_->ends_at_source) {
            return source;
        }
        // The published formulas do not count the ends, so they stay where they are.
        const DeviceId stays =
            problem_->previous ? (*problem_->previous)[end.index()] : problem_->source;
        return by_formula() ? std::uint64_t{1} << stays.index() : usable;
    };
    chain_.push_back(ends ? item_of(blocks.embed(), false) : Item());
    chain_mask_.push_back(ends ? mask_of(blocks.embed()) : source);
    for (std::size_t l = 0; l < layers_; ++l) {
        const auto layer = static_cast<std::int32_t>(l);
        chain_.push_back(item_of(blocks.activation_block(layer), false));
        chain_mask_.push_back(usable);
        add_pool(l, false);
        if (sliced()) {
            add_pool(l, true);
        } else {
            proj_.push_back(item_of(blocks.proj(layer), false));
        }
    }
    chain_.push_back(ends ? item_of(blocks.lm_head(), false) : Item());
    chain_mask_.push_back(ends ? mask_of(blocks.lm_head()) : source);
    if (ends) {
        beside_embed_ = item_of(blocks.lm_head(), tied_);
    }
    lane_scale_.assign(lanes(), 0);
    for (const Item& item : items_) {
        for (std::size_t d = 0; d < devices_; ++d) {
            visit_lanes(item, d, [&](std::size_t lane, double time) {
                lane_scale_[lane] = std::max(lane_scale_[lane], finite_or_zero(time));
            });
        }
    }
    for (double& scale : lane_scale_) {
        scale = std::max(scale, 1.0);
    }
}

} // namespace headroom::scheduler::exact
