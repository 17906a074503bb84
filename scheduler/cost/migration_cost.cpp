#include "scheduler/cost/migration_cost.hpp"

#include <algorithm>

#include "scheduler/cost/message_cost.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {
namespace {

constexpr std::size_t kMaxTabulatedLanes = 4200; // enough for the links and storages of 64 devices

} // namespace

MoveDelay::MoveDelay(const Problem& problem, const Placement& placement)
    : problem_(&problem), devices_(problem.snapshot.size()),
      ordered_(order_matters(problem.snapshot)),
      tied_(problem.blocks->shape().has_ends && problem.blocks->shape().tied) {
    if (!problem.previous) {
        return;
    }
    const Blocks& blocks = *problem.blocks;
    previous_ = *problem.previous;
    current_ = previous_;
    const CacheRows moved = problem.moved_rows();
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        const BlockId id(b);
        cost_.push_back(cost_of(
            blocks.matrix_bytes(id) + blocks.norm_bytes(id), blocks.cache_row_bytes(id, moved)
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
    if (lane >= links()) {
        return bounded_duration(snapshot.devices[lane - links()].storage_bandwidth, bytes);
    }
    return ordered_ ? link_time(snapshot, lane / devices_, lane % devices_, bytes)
                    : bounded_duration(snapshot.link_at(lane).bandwidth, bytes);
}

/// Returns what a link adds to the transfer times: its latency, and the message overheads of both
/// ends.
Nanoseconds MoveDelay::delay(std::size_t link) const {
    const Snapshot& snapshot = problem_->snapshot;
    const Nanoseconds latency = std::min(kStall, snapshot.link_at(link).latency);
    return ordered_ ? latency + handling_time(snapshot, link / devices_, link % devices_) : latency;
}

Nanoseconds MoveDelay::time(BlockId b, DeviceId to) const {
    const DeviceId from = previous_device(b);
    if (!from.valid() || from == to) {
        return 0;
    }
    const Cost& cost = cost_[b.index()];
    const std::size_t link = from.index() * devices_ + to.index();
    const Nanoseconds late = sizes_[cost.message] > 0 ? delay(link) : 0;
    return std::max(time_of(cost.message, link) + late, time_of(cost.load, links() + to.index()));
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
    return std::max(loaded, lanes_[link].busy + time_of(cost.message, link) + delay(link));
}

Nanoseconds MoveDelay::completion(std::size_t lane) const {
    const Lane& queue = lanes_[lane];
    if (queue.transfers == 0) {
        return 0;
    }
    return queue.busy + (lane < links() ? delay(lane) : 0);
}

/// Returns the cost of the block on its present device. A tied lm_head beside embed has no matrix.
const MoveDelay::Cost& MoveDelay::cost_here(BlockId b) const {
    const bool shared = tied_ && b == problem_->blocks->lm_head() &&
                        current_[b.index()] == current_[problem_->blocks->embed().index()];
    return shared ? shared_cost_ : cost_[b.index()];
}

/// Adds (sign 1) or subtracts (−1) the transfers of a block that is not on its previous device.
void MoveDelay::charge(BlockId b, std::int32_t sign) {
    const DeviceId from = previous_[b.index()];
    const DeviceId to = current_[b.index()];
    if (from == to) {
        return;
    }
    moved_ += sign;
    const Cost& cost = cost_here(b);
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
    if (ordered_) {
        return total_in_order();
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

/// Times the messages in the order of Timeline::migrate (timing/timeline.hpp): all devices send in
/// the order of the blocks before they receive in the same order.
Nanoseconds MoveDelay::total_in_order() {
    free_.assign(devices_, {});
    link_free_.resize(links());
    count_ends();
    sent_.clear();
    for (std::size_t b = 0; b < current_.size(); ++b) {
        if (current_[b] != previous_[b]) {
            sent_.push_back(send(BlockId(b)));
        }
    }
    Nanoseconds last = 0;
    for (const Sent& sent : sent_) {
        last = std::max(last, receive(sent));
    }
    return std::min(kStall, last);
}

/// Counts the ends that the used links have on each medium, and frees these links.
void MoveDelay::count_ends() {
    const Snapshot& snapshot = problem_->snapshot;
    ends_.reset(snapshot.media.size());
    for (const std::size_t lane : used_) {
        if (lane >= links()) {
            continue;
        }
        link_free_[lane] = 0;
        ends_.add(
            snapshot.devices[lane / devices_].medium, snapshot.devices[lane % devices_].medium
        );
    }
}

MoveDelay::Sent MoveDelay::send(BlockId b) {
    const Snapshot& snapshot = problem_->snapshot;
    const DeviceId from = previous_[b.index()];
    const DeviceId to = current_[b.index()];
    const Cost& cost = cost_here(b);
    Sent sent{to, sizes_[cost.message], 0, 0, time_of(cost.load, links() + to.index())};
    if (sent.bytes == 0) {
        return sent;
    }
    const std::size_t link = from.index() * devices_ + to.index();
    const PerSecond cap = snapshot.device(from).egress;
    Free& sender = free_[from.index()];
    sender.clock += message_overhead(snapshot, from.index());
    const Nanoseconds begin = std::max({sender.clock, link_free_[link], sender.egress});
    const Nanoseconds on_egress = bounded_duration(cap, sent.bytes);
    const MediaShares shares = ends_.of(snapshot.device(from).medium, snapshot.device(to).medium);
    sender.egress = cap == kUnlimited ? 0 : std::min(kStall, begin + on_egress);
    const Nanoseconds busy = std::max(
        {time_of(cost.message, link),
         media_time(snapshot, from.index(), to.index(), sent.bytes, shares),
         on_egress}
    );
    link_free_[link] = std::min(kStall, begin + busy);
    const Nanoseconds latency = std::min(kStall, snapshot.link(from, to).latency);
    sent.first_byte = begin + latency;
    sent.arrival = link_free_[link] + latency;
    return sent;
}

/// Returns when the target has the block.
Nanoseconds MoveDelay::receive(const Sent& sent) {
    const Snapshot::Device& device = problem_->snapshot.device(sent.to);
    Free& target = free_[sent.to.index()];
    Nanoseconds end = 0;
    if (sent.bytes > 0) {
        end = sent.arrival;
        if (device.ingress != kUnlimited) {
            target.ingress = std::max(sent.first_byte, target.ingress) +
                             bounded_duration(device.ingress, sent.bytes);
            target.ingress = std::min(kStall, target.ingress);
            end = std::max(end, target.ingress);
        }
        if (device.message_overhead > 0) {
            target.clock = std::max(target.clock, end) + device.message_overhead;
            target.clock = std::min(kStall, target.clock);
            end = target.clock;
        }
    }
    target.storage = std::min(kStall, target.storage + sent.load);
    return sent.load > 0 ? std::max(end, target.storage) : end;
}

} // namespace headroom::scheduler
