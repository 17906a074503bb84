// See paper_moves.hpp.
#include "scheduler/policies/paper_moves.hpp"

#include <algorithm>
#include <cmath>

#include "scheduler/paper_costs.hpp"
#include "scheduler/policies/step_delay.hpp"

namespace headroom::scheduler {
namespace {

Nanoseconds rounded(Bytes bytes, PerSecond bandwidth) {
    if (bytes == 0 || bandwidth == kUnlimited) {
        return 0;
    }
    const double ns = static_cast<double>(bytes) / static_cast<double>(bandwidth) * 1e9;
    return bandwidth > 0 && ns < static_cast<double>(kStall) ? std::llround(ns) : kStall;
}

} // namespace

PaperMoves::PaperMoves(const Problem& problem, const Placement& placement)
    : blocks_(problem.blocks), devices_(problem.snapshot.size()) {
    if (!problem.previous) {
        return;
    }
    home_ = *problem.previous;
    now_ = home_;
    loads_.assign(devices_ * devices_, 0);
    for (const BlockId b : {blocks_->group(0, 0), blocks_->proj(0), blocks_->ffn(0)}) {
        const Bytes bytes =
            paper_moved_bytes(*blocks_, b, problem.paper_moves_at(), problem.paper_moved());
        auto& times = time_[static_cast<std::size_t>(blocks_->name(b).kind)];
        for (const Snapshot::Link& link : problem.snapshot.links) {
            times.push_back(rounded(bytes, link.bandwidth));
        }
    }
    for (std::size_t b = 0; b < placement.size(); ++b) {
        set(BlockId(b), placement[b]);
    }
}

/// Adds (sign 1) or takes away (-1) the move of a block that is not at home.
void PaperMoves::charge(BlockId b, std::int32_t sign) {
    const DeviceId from = home_[b.index()];
    const DeviceId to = now_[b.index()];
    if (from == to) {
        return;
    }
    moved_ += sign;
    const auto& times = time_[static_cast<std::size_t>(blocks_->name(b).kind)];
    if (times.empty()) {
        return; // embed and lm_head are left out
    }
    const std::size_t link = from.index() * devices_ + to.index();
    total_ += sign * times[link];
    loads_[link] += sign * times[link];
}

void PaperMoves::set(BlockId b, DeviceId d) {
    if (home_.empty()) {
        return;
    }
    charge(b, -1);
    now_[b.index()] = d;
    charge(b, 1);
}

MoveDelay::Link PaperMoves::slowest() const {
    if (moved_ == 0) {
        return {};
    }
    const auto link =
        static_cast<std::size_t>(std::max_element(loads_.begin(), loads_.end()) - loads_.begin());
    return {DeviceId(link / devices_), DeviceId(link % devices_)};
}

Moves::Moves(const Problem& problem, const Placement& placement) {
    if (problem.cost_profile == CostProfile::paper) {
        paper_.emplace(problem, placement);
    } else {
        physical_.emplace(problem, placement);
    }
}

void Moves::set(BlockId b, DeviceId d) {
    if (paper_) {
        paper_->set(b, d);
    } else {
        physical_->set(b, d);
    }
}

} // namespace headroom::scheduler
