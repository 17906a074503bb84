#include "scheduler/cost/migration_cost.hpp"

#include <algorithm>

#include "scheduler/cost/step_cost.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler {
namespace {

constexpr std::size_t kMaxTabulatedLanes = 4200; // enough for the links and storages of 64 devices

} // namespace

MoveDelay::MoveDelay(const Problem& problem, const Placement& placement)
    : problem_(&problem), devices_(problem.snapshot.size()), capped_(has_caps(problem.snapshot)),
      tied_(problem.blocks->shape().has_ends && problem.blocks->shape().tied) {
    if (!problem.previous) {
        return;
    }
    const Blocks& blocks = *problem.blocks;
    previous_ = *problem.previous;
    current_ = previous_;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        const BlockId id(b);
        cost_.push_back(cost_of(
            blocks.matrix_bytes(id) + blocks.norm_bytes(id),
            blocks.cache_row_bytes(id, problem.rows)
        ));
    }
    if (tied_) {
        shared_cost_ = cost_of(blocks.norm_bytes(blocks.lm_head()), 0);
    }
    lanes_.resize(links() + devices_);
    if (lanes_.size() <= kMaxTabulatedLanes) {
        for (const Bytes bytes : sizes_) {
            for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
                time_.push_back(transfer_time(bytes, lane));
            }
        }
    }
    for (std::size_t b = 0; b < placement.size(); ++b) {
        set(BlockId(b), placement[b]);
    }
}

std::size_t MoveDelay::size_class(Bytes bytes) {
    const auto found = std::find(sizes_.begin(), sizes_.end(), bytes);
    const auto index = static_cast<std::size_t>(found - sizes_.begin());
    if (found == sizes_.end()) {
        sizes_.push_back(bytes);
    }
    return index;
}

MoveDelay::Cost MoveDelay::cost_of(Bytes weights, Bytes rows) {
    if (problem_->weights_everywhere) {
        return {size_class(rows), size_class(weights)};
    }
    return {size_class(weights + rows), size_class(0)};
}

Nanoseconds MoveDelay::transfer_time(Bytes bytes, std::size_t lane) const {
    const Snapshot& snapshot = problem_->snapshot;
    const PerSecond rate = lane < links() ? snapshot.link_at(lane).bandwidth
                                          : snapshot.devices[lane - links()].storage_bandwidth;
    return bounded_duration(rate, bytes);
}

Nanoseconds MoveDelay::time(BlockId b, DeviceId to) const {
    const DeviceId from = previous_device(b);
    if (!from.valid() || from == to) {
        return 0;
    }
    const Cost& cost = cost_[b.index()];
    const std::size_t link = from.index() * devices_ + to.index();
    const Nanoseconds latency =
        sizes_[cost.message] > 0 ? std::min(kStall, problem_->snapshot.link_at(link).latency) : 0;
    return std::max(
        time_of(cost.message, link) + latency, time_of(cost.load, links() + to.index())
    );
}

Nanoseconds MoveDelay::completion_with(BlockId b, DeviceId to) const {
    const DeviceId from = previous_device(b);
    if (!from.valid() || from == to) {
        return 0;
    }
    const Cost& cost = cost_[b.index()];
    const std::size_t link = from.index() * devices_ + to.index();
    const std::size_t storage = links() + to.index();
    Nanoseconds loaded = 0;
    if (sizes_[cost.load] > 0) {
        loaded = lanes_[storage].busy + time_of(cost.load, storage);
    }
    if (sizes_[cost.message] == 0) {
        return loaded;
    }
    const Nanoseconds latency = std::min(kStall, problem_->snapshot.link_at(link).latency);
    return std::max(loaded, lanes_[link].busy + time_of(cost.message, link) + latency);
}

Nanoseconds MoveDelay::completion(std::size_t lane) const {
    const Lane& queue = lanes_[lane];
    if (queue.transfers == 0) {
        return 0;
    }
    const Nanoseconds latency = lane < links() ? problem_->snapshot.link_at(lane).latency : 0;
    return queue.busy + std::min(kStall, latency);
}

/// Adds (sign 1) or subtracts (−1) the transfers of a block that is not on its previous device.
void MoveDelay::charge(BlockId b, std::int32_t sign) {
    const DeviceId from = previous_[b.index()];
    const DeviceId to = current_[b.index()];
    if (from == to) {
        return;
    }
    moved_ += sign;
    const bool shared = tied_ && b == problem_->blocks->lm_head() &&
                        to == current_[problem_->blocks->embed().index()];
    const Cost& cost = shared ? shared_cost_ : cost_[b.index()];
    charge(from.index() * devices_ + to.index(), cost.message, sign);
    charge(links() + to.index(), cost.load, sign);
}

void MoveDelay::charge(std::size_t lane, std::size_t size, std::int32_t sign) {
    if (sizes_[size] == 0) {
        return; // empty messages are not sent
    }
    Lane& queue = lanes_[lane];
    const Nanoseconds time = time_of(size, lane);
    queue.busy += sign * time;
    sum_ += sign * time;
    if (queue.transfers == 0) {
        queue.place = static_cast<std::int32_t>(used_.size());
        used_.push_back(lane);
    }
    queue.transfers += sign;
    if (queue.transfers == 0) {
        const std::size_t last = used_.back();
        used_[static_cast<std::size_t>(queue.place)] = last;
        lanes_[last].place = queue.place;
        used_.pop_back();
    }
    if (sign < 0) {
        stale_ = stale_ || lane == slowest_;
    } else if (!stale_ && completion(lane) > completion(slowest_)) {
        slowest_ = lane;
    }
}

void MoveDelay::set(BlockId b, DeviceId d) {
    if (previous_.empty()) {
        return;
    }
    const BlockId lm_head = tied_ ? problem_->blocks->lm_head() : BlockId();
    const bool moves_matrix = tied_ && b == problem_->blocks->embed();
    if (moves_matrix) {
        charge(lm_head, -1); // its message depends on the device of embed
    }
    charge(b, -1);
    current_[b.index()] = d;
    charge(b, 1);
    if (moves_matrix) {
        charge(lm_head, 1);
    }
}

void MoveDelay::find_slowest() {
    slowest_ = 0;
    for (const std::size_t lane : used_) {
        const Nanoseconds more = completion(lane) - completion(slowest_);
        slowest_ = more > 0 || (more == 0 && lane < slowest_) ? lane : slowest_;
    }
    stale_ = false;
}

Nanoseconds MoveDelay::total() {
    if (moved_ == 0) {
        return 0;
    }
    if (capped_) {
        return std::min(kStall, predict_migration(*problem_, current_));
    }
    if (stale_) {
        find_slowest();
    }
    return completion(slowest_);
}

MoveDelay::Link MoveDelay::slowest() {
    if (used_.empty()) { // no block moves, or only blocks without bytes
        return {};
    }
    find_slowest();
    if (slowest_ >= links()) {
        return {DeviceId(), DeviceId(slowest_ - links())};
    }
    return {DeviceId(slowest_ / devices_), DeviceId(slowest_ % devices_)};
}

} // namespace headroom::scheduler
