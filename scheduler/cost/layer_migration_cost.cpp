#include "scheduler/cost/layer_migration_cost.hpp"

#include <algorithm>

#include "scheduler/core/paper_costs.hpp"
#include "scheduler/cost/message_cost.hpp"
#include "scheduler/cost/step_cost.hpp"
#include "scheduler/rates/profile.hpp"

namespace headroom::scheduler {
namespace {

/// Returns how long the bytes occupy a medium, rounded down: a bound must not exceed the sum of
/// many messages' times by their rounding.
Nanoseconds medium_time(const Snapshot& snapshot, std::int32_t medium, Bytes bytes) {
    const PerSecond capacity = snapshot.media[static_cast<std::size_t>(medium)];
    return std::max<Nanoseconds>(0, bounded_duration(capacity, bytes) - 1);
}

} // namespace

template <class Moves, class Use>
void LayerMoves::for_each_transfer(
    Moves& moves, const Parcel& parcel, std::size_t j, const Use& use
) {
    const Kind& kind = moves.kinds_[parcel.kind];
    if (moves.sources_[kind.from] == moves.devices_[j]) {
        return;
    }
    const Times& times = moves.times_[parcel.kind * moves.devices_.size() + j];
    if (moves.paper_) {
        use(moves.lanes_[0], 0, times.link);
        return;
    }
    if (kind.sent > 0) {
        use(moves.lanes_[j], kFirstLink + kind.from, times.link);
        if (kind.egress > 0) {
            use(moves.lanes_.back(), kFirstLink + kind.from, kind.egress);
        }
        if (times.ingress > 0) {
            use(moves.lanes_[j], 1, times.ingress);
        }
        if (times.receiver > 0) {
            use(moves.lanes_[j], 2, times.receiver);
        }
        if (kind.sender > 0) {
            use(moves.lanes_.back(), kFirstLink + moves.sources_.size() + kind.from, kind.sender);
        }
        if (times.medium_of_sender > 0) {
            const std::size_t lane = moves.medium_lane(moves.source_medium_[kind.from]);
            use(moves.lanes_.back(), lane, times.medium_of_sender);
        }
        if (times.medium_of_receiver > 0) {
            const std::size_t lane = moves.medium_lane(moves.device_medium_[j]);
            use(moves.lanes_.back(), lane, times.medium_of_receiver);
        }
    }
    if (kind.loaded > 0) {
        use(moves.lanes_[j], 0, times.load);
    }
}

LayerMoves::LayerMoves(const Problem& problem, const LayerCosts& costs)
    : paper_(problem.cost_profile == CostProfile::paper), parcels_(costs.layers() + 1),
      alone_(costs.layers() * costs.devices()) {
    for (std::size_t j = 0; j < costs.devices(); ++j) {
        devices_.push_back(costs.device(j));
    }
    if (!problem.previous) {
        return;
    }
    for (std::size_t l = 0; l < costs.layers(); ++l) {
        parcels_[l] = parcels_of(problem, static_cast<std::int32_t>(l));
    }
    if (!paper_) {
        parcels_.back() = parcels_of(problem, -1);
    }
    find_times(problem);
    for (std::size_t l = 0; l < costs.layers(); ++l) {
        for (std::size_t j = 0; j < devices_.size(); ++j) {
            Alone& alone = alone_[l * devices_.size() + j];
            for (const Parcel& parcel : parcels_[l]) {
                for_each_transfer(
                    *this,
                    parcel,
                    j,
                    [&](Lanes& lanes, std::size_t lane, Nanoseconds busy) {
                        const Nanoseconds time = parcel.count * busy + lanes.lanes[lane].latency;
                        alone.sum += time;
                        alone.longest = paper_ ? alone.sum : std::max(alone.longest, time);
                    }
                );
            }
        }
    }
    charge(costs.layers(), 0, 1); // embed and lm_head go to the source
}

/// Returns the blocks of a layer, or of the ends if `layer` is −1, by kind.
std::vector<LayerMoves::Parcel> LayerMoves::parcels_of(const Problem& problem, std::int32_t layer) {
    const Blocks& blocks = *problem.blocks;
    // Only the bytes of lm_head depend on the new placement.
    const Placement after(layer < 0 ? blocks.size() : 0, problem.source);
    const auto per_layer = static_cast<std::size_t>(blocks.blocks_per_layer());
    const std::size_t first = layer < 0 ? 0 : blocks.group(layer, 0).index();
    const std::size_t last = layer < 0 ? blocks.size() : first + per_layer;
    std::vector<Parcel> parcels;
    for (std::size_t i = first; i < last; ++i) {
        const BlockId b(i);
        if (blocks.name(b).layer != layer) {
            continue;
        }
        const std::size_t kind = kind_of(problem, b, layer < 0 ? after : *problem.previous);
        const auto known = std::ranges::find(parcels, kind, &Parcel::kind);
        if (known == parcels.end()) {
            parcels.push_back({kind, 1});
        } else {
            ++known->count;
        }
    }
    return parcels;
}

std::size_t LayerMoves::kind_of(const Problem& problem, BlockId b, const Placement& after) {
    const DeviceId device = (*problem.previous)[b.index()];
    const auto source = std::ranges::find(sources_, device);
    Kind kind{static_cast<std::size_t>(source - sources_.begin())};
    if (source == sources_.end()) {
        sources_.push_back(device);
    }
    if (paper_) {
        kind.sent = problem.paper_moved_bytes(b);
    } else {
        kind.sent = problem.blocks->cache_row_bytes(b, problem.moved_rows());
        (problem.weights_everywhere ? kind.loaded : kind.sent) +=
            problem.blocks->weight_bytes(b, after);
    }
    const auto known = std::ranges::find_if(kinds_, [&](const Kind& other) {
        return other.from == kind.from && other.sent == kind.sent && other.loaded == kind.loaded;
    });
    const auto index = static_cast<std::size_t>(known - kinds_.begin());
    if (known == kinds_.end()) {
        kinds_.push_back(kind);
    }
    return index;
}

void LayerMoves::find_times(const Problem& problem) {
    const Snapshot& snapshot = problem.snapshot;
    for (const DeviceId d : sources_) {
        source_medium_.push_back(snapshot.device(d).medium);
    }
    for (const DeviceId d : devices_) {
        device_medium_.push_back(snapshot.device(d).medium);
    }
    lanes_.resize(devices_.size() + 1);
    for (Lanes& lanes : lanes_) {
        lanes.lanes.resize(kFirstLink + sources_.size());
    }
    lanes_.back().lanes.resize(medium_lane(static_cast<std::int32_t>(snapshot.media.size())));
    for (Kind& kind : kinds_) {
        const DeviceId from = sources_[kind.from];
        const PerSecond egress = snapshot.device(from).egress;
        kind.egress = egress == kUnlimited ? 0 : bounded_duration(egress, kind.sent);
        kind.sender = message_overhead(snapshot, from.index());
        for (std::size_t j = 0; j < devices_.size(); ++j) {
            const DeviceId to = devices_[j];
            times_.push_back(from == to ? Times{} : times_of(problem, kind, from, to));
            if (from != to && !paper_) {
                lanes_[j].lanes[kFirstLink + kind.from].latency =
                    std::min(snapshot.link(from, to).latency, kStall) +
                    handling_time(snapshot, from.index(), to.index());
            }
        }
    }
}

LayerMoves::Times LayerMoves::times_of(
    const Problem& problem, const Kind& kind, DeviceId from, DeviceId to
) const {
    const Snapshot& snapshot = problem.snapshot;
    Times times;
    if (paper_) {
        times.link = formula_time(kind.sent, snapshot.link(from, to).bandwidth);
        return times;
    }
    const Snapshot::Device& device = snapshot.device(to);
    times.link = link_time(snapshot, from.index(), to.index(), kind.sent);
    times.ingress = device.ingress == kUnlimited ? 0 : bounded_duration(device.ingress, kind.sent);
    times.load = bounded_duration(device.storage_bandwidth, kind.loaded);
    times.receiver = message_overhead(snapshot, to.index());
    const MediaShares ends = lone_shares(snapshot, from.index(), to.index());
    if (ends.sender > 0) {
        times.medium_of_sender =
            medium_time(snapshot, snapshot.device(from).medium, kind.sent * ends.sender);
    }
    if (ends.receiver > 0) {
        times.medium_of_receiver = medium_time(snapshot, device.medium, kind.sent * ends.receiver);
    }
    return times;
}

void LayerMoves::charge(std::size_t layer, std::size_t j, std::int32_t sign) {
    for (const Parcel& parcel : parcels_[layer]) {
        for_each_transfer(*this, parcel, j, [&](Lanes& lanes, std::size_t index, Nanoseconds busy) {
            Lane& lane = lanes.lanes[index];
            lanes.stale |= sign < 0 && lane.busy + lane.latency == lanes.slowest;
            lane.busy += sign * parcel.count * busy;
            lane.transfers += sign * parcel.count;
            if (sign > 0) {
                lanes.slowest = std::max(lanes.slowest, lane.busy + lane.latency);
            }
        });
    }
}

bool LayerMoves::is_slowest(std::size_t layer, std::size_t j) const {
    bool found = false;
    if (!paper_ && lanes_[j].slowest < total_ && lanes_.back().slowest < total_) {
        return false;
    }
    for (const Parcel& parcel : parcels_[layer]) {
        const_cast<LayerMoves*>(this)->for_each_transfer(
            *this,
            parcel,
            j,
            [&](const Lanes& lanes, std::size_t index, Nanoseconds) {
                const Lane& lane = lanes.lanes[index];
                found |= lane.busy + lane.latency == total_;
            }
        );
    }
    return found;
}

Nanoseconds LayerMoves::slowest_of(Lanes& lanes) {
    if (lanes.stale) {
        lanes.slowest = 0;
        for (const Lane& lane : lanes.lanes) {
            const Nanoseconds time = lane.transfers > 0 ? lane.busy + lane.latency : 0;
            lanes.slowest = std::max(lanes.slowest, time);
        }
        lanes.stale = false;
    }
    return lanes.slowest;
}

Nanoseconds LayerMoves::total() {
    total_ = 0;
    for (Lanes& lanes : lanes_) {
        total_ = std::max(total_, slowest_of(lanes));
    }
    return total_;
}

} // namespace headroom::scheduler
