// See move_delay.hpp.
#include "scheduler/policies/move_delay.hpp"

#include <algorithm>

#include "scheduler/policies/step_delay.hpp"
#include "scheduler/profile.hpp"
#include "scheduler/timeline.hpp"

namespace headroom::scheduler {

MoveDelay::MoveDelay(const Problem& problem, const Placement& placement)
    : problem_(&problem), devices_(problem.snapshot.size()), capped_(has_caps(problem.snapshot)),
      tied_(problem.blocks->shape().ends && problem.blocks->shape().tied) {
    if (!problem.previous) {
        return;
    }
    const Blocks& blocks = *problem.blocks;
    home_ = *problem.previous;
    now_ = home_;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        const BlockId id(b);
        class_of_.push_back(size_class(
            blocks.matrix_bytes(id) + blocks.norm_bytes(id) +
            blocks.cache_row_bytes(id, problem.rows)
        ));
    }
    if (tied_) {
        shared_class_ = size_class(blocks.norm_bytes(blocks.lm_head()));
    }
    for (const Bytes bytes : sizes_) {
        for (const Snapshot::Link& link : problem.snapshot.links) {
            time_.push_back(std::min(kStall, finish(link.bandwidth, 0, bytes)));
        }
    }
    loads_.resize(devices_ * devices_);
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

Nanoseconds MoveDelay::completion(std::size_t link) const {
    const Load& load = loads_[link];
    return load.messages == 0
               ? 0
               : load.busy + std::min(kStall, problem_->snapshot.links[link].latency);
}

/// Adds (sign 1) or takes away (−1) the message of a block that is not at home.
void MoveDelay::charge(BlockId b, std::int32_t sign) {
    const DeviceId from = home_[b.index()];
    const DeviceId to = now_[b.index()];
    if (from == to) {
        return;
    }
    moved_ += sign;
    const bool shared =
        tied_ && b == problem_->blocks->lm_head() && to == now_[problem_->blocks->embed().index()];
    const std::size_t size = shared ? shared_class_ : class_of_[b.index()];
    if (sizes_[size] == 0) {
        return; // nothing to send is no message
    }
    const std::size_t link = from.index() * devices_ + to.index();
    loads_[link].busy += sign * time_[size * devices_ * devices_ + link];
    loads_[link].messages += sign;
    if (sign < 0) {
        stale_ = stale_ || link == slowest_;
    } else if (!stale_ && completion(link) > completion(slowest_)) {
        slowest_ = link;
    }
}

void MoveDelay::set(BlockId b, DeviceId d) {
    if (home_.empty()) {
        return;
    }
    const BlockId lm_head = tied_ ? problem_->blocks->lm_head() : BlockId();
    const bool partner = tied_ && b == problem_->blocks->embed();
    if (partner) {
        charge(lm_head, -1); // what it sends depends on where embed is
    }
    charge(b, -1);
    now_[b.index()] = d;
    charge(b, 1);
    if (partner) {
        charge(lm_head, 1);
    }
}

void MoveDelay::find_slowest() {
    slowest_ = 0;
    for (std::size_t link = 1; link < loads_.size(); ++link) {
        if (loads_[link].messages > 0 && completion(link) > completion(slowest_)) {
            slowest_ = link;
        }
    }
    stale_ = false;
}

Nanoseconds MoveDelay::total() {
    if (moved_ == 0) {
        return 0;
    }
    if (capped_) {
        const Problem& p = *problem_;
        return std::min(kStall, predict_migration(*p.blocks, home_, now_, p.snapshot, p.rows));
    }
    if (stale_) {
        find_slowest();
    }
    return completion(slowest_);
}

MoveDelay::Link MoveDelay::slowest() {
    if (moved_ == 0) {
        return {};
    }
    find_slowest();
    return {DeviceId(slowest_ / devices_), DeviceId(slowest_ % devices_)};
}

} // namespace headroom::scheduler
