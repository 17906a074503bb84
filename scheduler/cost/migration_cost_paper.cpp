#include "scheduler/cost/migration_cost_paper.hpp"

#include <algorithm>

#include "scheduler/core/paper_costs.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {
namespace {

constexpr std::size_t kMaxTabulatedDevices = 64;

} // namespace

PaperMoves::PaperMoves(const Problem& problem, const Placement& placement)
    : devices_(problem.snapshot.size()), snapshot_(&problem.snapshot) {
    if (!problem.previous) {
        return;
    }
    previous_ = *problem.previous;
    current_ = previous_;
    loads_.assign(devices_ * devices_, 0);
    for (std::size_t b = 0; b < placement.size(); ++b) {
        const Bytes bytes = problem.paper_moved_bytes(BlockId(b));
        const auto found = std::find(sizes_.begin(), sizes_.end(), bytes);
        size_.push_back(static_cast<std::size_t>(found - sizes_.begin()));
        if (found == sizes_.end()) {
            sizes_.push_back(bytes);
        }
    }
    for (const Bytes bytes : sizes_) {
        for (std::size_t link = 0; link < loads_.size() && devices_ <= kMaxTabulatedDevices;
             ++link) {
            times_.push_back(formula_time(bytes, snapshot_->links[link].bandwidth));
        }
    }
    for (std::size_t b = 0; b < placement.size(); ++b) {
        set(BlockId(b), placement[b]);
    }
}

/// Adds (sign 1) or subtracts (-1) the move of a block that is not on its previous device.
void PaperMoves::charge(BlockId b, std::int32_t sign) {
    const DeviceId from = previous_[b.index()];
    const DeviceId to = current_[b.index()];
    if (from == to) {
        return;
    }
    moved_ += sign;
    const Nanoseconds time = this->time(b, to);
    total_ += sign * time;
    loads_[from.index() * devices_ + to.index()] += sign * time;
}

Nanoseconds PaperMoves::time(BlockId b, DeviceId to) const {
    const DeviceId from = previous_device(b);
    if (!from.valid() || from == to) {
        return 0;
    }
    const std::size_t size = size_[b.index()];
    const std::size_t link = from.index() * devices_ + to.index();
    return times_.empty() ? formula_time(sizes_[size], snapshot_->links[link].bandwidth)
                          : times_[size * loads_.size() + link];
}

void PaperMoves::set(BlockId b, DeviceId d) {
    if (previous_.empty()) {
        return;
    }
    charge(b, -1);
    current_[b.index()] = d;
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
