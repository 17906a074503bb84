#include "scheduler/cost/layer_migration_cost.hpp"

#include <algorithm>

#include "scheduler/core/paper_costs.hpp"
#include "scheduler/core/profile.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {
LayerMoves::LayerMoves(const Problem& problem, const LayerCosts& costs)
    : devices_(costs.devices()), layer_(costs.layers() * costs.devices()) {
    for (std::size_t j = 0; problem.previous && j < devices_; ++j) {
        if (problem.cost_profile == CostProfile::paper) {
            find_sums(problem, costs.device(j), j);
        } else {
            find_moves(problem, costs.device(j), j);
        }
    }
}

void LayerMoves::find_moves(const Problem& problem, DeviceId to, std::size_t j) {
    const Placement all_moved(problem.blocks->size(), to);
    Shares ends;
    for (const Move& move : moves_between(
             *problem.blocks, *problem.previous, all_moved, problem.rows, problem.weights_everywhere
         )) {
        const std::int32_t layer = problem.blocks->name(move.block).layer;
        Shares& shares = layer < 0 ? ends : layer_[static_cast<std::size_t>(layer) * devices_ + j];
        if (move.bytes > 0) {
            add_message(problem, move, shares);
        }
        if (move.loaded > 0) {
            const PerSecond rate = problem.snapshot.device(to).storage_bandwidth;
            add_share({Kind::storage, to, to}, bounded_duration(rate, move.loaded), 0, shares);
        }
    }
    if (to == problem.source) {
        charge(ends, 1);
    }
}

void LayerMoves::add_message(const Problem& problem, const Move& move, Shares& shares) {
    const Snapshot& snapshot = problem.snapshot;
    const Snapshot::Link& link = snapshot.link(move.from, move.to);
    const Nanoseconds latency = std::min(link.latency, kStall);
    const PerSecond egress = snapshot.device(move.from).egress;
    const PerSecond ingress = snapshot.device(move.to).ingress;
    add_share(
        {Kind::link, move.from, move.to},
        bounded_duration(link.bandwidth, move.bytes),
        latency,
        shares
    );
    if (egress != kUnlimited) {
        add_share({Kind::egress, move.from, {}}, bounded_duration(egress, move.bytes), 0, shares);
    }
    if (ingress != kUnlimited) {
        add_share({Kind::ingress, {}, move.to}, bounded_duration(ingress, move.bytes), 0, shares);
    }
}

void LayerMoves::find_sums(const Problem& problem, DeviceId to, std::size_t j) {
    const Blocks& blocks = *problem.blocks;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const std::int32_t layer = blocks.name(BlockId(i)).layer;
        const DeviceId from = (*problem.previous)[i];
        if (layer < 0 || from == to) {
            continue;
        }
        const Nanoseconds busy = formula_time(
            problem.paper_moved_bytes(BlockId(i)), problem.snapshot.link(from, to).bandwidth
        );
        add_share(
            {Kind::sum, {}, {}}, busy, 0, layer_[static_cast<std::size_t>(layer) * devices_ + j]
        );
    }
}

void LayerMoves::add_share(
    const LaneName& name, Nanoseconds busy, Nanoseconds latency, Shares& shares
) {
    const auto [found, added] = names_.try_emplace(name, lanes_.size());
    if (added) {
        lanes_.push_back({0, latency, 0});
    }
    const std::size_t lane = found->second;
    const auto known = std::ranges::find(shares, lane, &Share::lane);
    if (known == shares.end()) {
        shares.push_back({lane, busy, 1});
    } else {
        known->busy += busy;
        ++known->transfers;
    }
}

void LayerMoves::charge(const Shares& shares, std::int32_t sign) {
    for (const Share& share : shares) {
        lanes_[share.lane].busy += sign * share.busy;
        lanes_[share.lane].transfers += sign * share.transfers;
    }
}

Nanoseconds LayerMoves::total() const {
    Nanoseconds last = 0;
    for (const Lane& lane : lanes_) {
        last = lane.transfers > 0 ? std::max(last, lane.busy + lane.latency) : last;
    }
    return last;
}

Nanoseconds LayerMoves::alone(std::size_t layer, std::size_t j) const {
    Nanoseconds sum = 0;
    for (const Share& share : layer_[layer * devices_ + j]) {
        sum += share.busy + lanes_[share.lane].latency;
    }
    return sum;
}

} // namespace headroom::scheduler
