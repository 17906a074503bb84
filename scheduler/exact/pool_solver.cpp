// Units that are not placed yet are at an additional node ("waiting"), which every path prefers as
// its start.
#include "scheduler/exact/pool_solver.hpp"

#include <algorithm>

namespace headroom::scheduler::exact {
namespace {

/// Gains below this, in ns and relative to the prices, may be rounding errors and are ignored.
constexpr double kRounding = 1e-6;
constexpr double kRelativeRounding = 1e-13;
/// Elementary operations per item and device of loading a pool and of starting a solution, and
/// those per event of a ladder.
constexpr std::size_t kLoads = 4;
constexpr std::size_t kStarts = 3;
constexpr std::int64_t kPerEvent = 2;

} // namespace

void PoolSolver::clear() {
    all_ = 0;
    base_.clear();
    low_.clear();
    high_.clear();
    count_.clear();
    merged_.clear();
    origin_.clear();
    size_.clear();
}

void PoolSolver::load(
    const Tables& tables, const Domain& domain, std::size_t pool, const std::vector<double>& price
) {
    const Pool& p = tables.pools()[pool];
    clear();
    for (std::size_t i = 0; i < p.items; ++i) {
        const Item& item = tables.items()[p.first_item + i];
        const std::size_t first = (p.first_item + i) * devices_;
        origin_.push_back(item.origin);
        limit_.assign(&domain.most[first], &domain.most[first] + devices_);
        const auto count = static_cast<std::int32_t>(item.blocks.size());
        add_item(&price[i * devices_], &domain.least[first], count);
    }
    resize();
}

void PoolSolver::load(
    const std::vector<std::int32_t>& counts,
    const std::vector<std::size_t>& origins,
    const std::vector<double>& price
) {
    clear();
    origin_ = origins;
    const std::vector<std::int32_t> none(devices_, 0);
    for (std::size_t i = 0; i < counts.size(); ++i) {
        limit_.assign(devices_, counts[i]);
        add_item(&price[i * devices_], none.data(), counts[i]);
    }
    resize();
}

/// Adds an item with at most limit_ units on each device, or merges it with an equal one.
void PoolSolver::add_item(const double* price, const std::int32_t* low, std::int32_t count) {
    all_ += count;
    size_.push_back(count);
    bool free = true;
    for (std::size_t d = 0; d < devices_; ++d) {
        limit_[d] = price[d] >= kInfinite ? low[d] : limit_[d];
        free = free && low[d] == 0 && (limit_[d] == 0 || limit_[d] == count);
    }
    std::size_t same = count_.size();
    for (std::size_t k = 0; free && k < count_.size() && same == count_.size(); ++k) {
        bool equal = free_[k] != 0;
        for (std::size_t d = 0; equal && d < devices_; ++d) {
            equal = base_[k * devices_ + d] == price[d] &&
                    (high_[k * devices_ + d] > 0) == (limit_[d] > 0);
        }
        same = equal ? k : same;
    }
    merged_.push_back(same);
    if (same < count_.size()) {
        count_[same] += count;
        for (std::size_t d = 0; d < devices_; ++d) {
            high_[same * devices_ + d] += limit_[d];
        }
        return;
    }
    base_.insert(base_.end(), price, price + devices_);
    low_.insert(low_.end(), low, low + devices_);
    high_.insert(high_.end(), limit_.begin(), limit_.end());
    free_.resize(count_.size() + 1);
    free_[count_.size()] = free ? 1 : 0;
    count_.push_back(count);
}

void PoolSolver::resize() {
    operations_ += static_cast<std::int64_t>(kLoads * size_.size() * devices_);
    items_ = count_.size();
    price_ = base_;
    distance_.resize(devices_ + 1);
    next_.resize(devices_ + 1);
    by_.resize(devices_ + 1);
    item_distance_.resize(items_);
    item_next_.resize(items_);
}

/// Splits the units of merged items again. Units stay on their previous device where they can.
std::vector<std::int32_t> PoolSolver::units() const {
    std::vector<std::int32_t> left = best_units_;
    std::vector<std::int32_t> units(merged_.size() * devices_, 0);
    for (std::size_t i = 0; i < merged_.size(); ++i) {
        const std::size_t origin = origin_[i];
        if (free_[merged_[i]] == 0) {
            std::copy_n(
                best_units_.begin() + static_cast<std::ptrdiff_t>(merged_[i] * devices_),
                devices_,
                units.begin() + static_cast<std::ptrdiff_t>(i * devices_)
            );
        } else if (origin < devices_) {
            std::int32_t& here = left[merged_[i] * devices_ + origin];
            const auto stay = std::min(here, size_[i]);
            units[i * devices_ + origin] = stay;
            here -= stay;
        }
    }
    for (std::size_t i = 0; i < merged_.size(); ++i) {
        if (free_[merged_[i]] == 0) {
            continue;
        }
        auto missing = size_[i];
        for (std::size_t d = 0; d < devices_; ++d) {
            missing -= units[i * devices_ + d];
        }
        for (std::size_t d = 0; d < devices_ && missing > 0; ++d) {
            std::int32_t& here = left[merged_[i] * devices_ + d];
            const std::int32_t take = std::min(here, missing);
            units[i * devices_ + d] += take;
            here -= take;
            missing -= take;
        }
    }
    return units;
}

void PoolSolver::surcharge(const Tables& tables, std::size_t proj) {
    if (tables.by_formula()) {
        for (std::size_t k = 0; k < base_.size(); ++k) {
            price_[k] = base_[k] + tables.per_unit(k % devices_, proj);
        }
    }
}

void PoolSolver::start() {
    at_ = low_;
    waiting_ = count_;
    load_.assign(devices_, 0);
    room_.assign(devices_, 0);
    unplaced_ = all_;
    total_ = 0;
    least_total_ = 0;
    rounding_ = kRounding;
    rounded_ = false;
    for (std::size_t i = 0; i < items_; ++i) {
        double cheapest = kInfinite;
        std::int32_t fixed = 0;
        for (std::size_t d = 0; d < devices_; ++d) {
            const std::size_t k = i * devices_ + d;
            fixed += low_[k];
            load_[d] += low_[k];
            if (low_[k] > 0) {
                total_ += low_[k] * price_[k];
            }
            rounding_ =
                std::max(rounding_, price_[k] < kInfinite ? kRelativeRounding * price_[k] : 0.0);
            cheapest = high_[k] > low_[k] ? std::min(cheapest, price_[k]) : cheapest;
        }
        waiting_[i] -= fixed;
        unplaced_ -= fixed;
        least_total_ += waiting_[i] > 0 ? waiting_[i] * cheapest : 0;
    }
    least_total_ += total_;
    taking_.resize(price_.size());
    giving_.assign(price_.size(), -kInfinite);
    for (std::size_t k = 0; k < price_.size(); ++k) {
        taking_[k] = at_[k] < high_[k] ? price_[k] : kInfinite;
    }
    reach_ = 0;
    missing_ = 0;
    for (std::size_t d = 0; d < devices_; ++d) {
        missing_ += load_[d];
    }
}

/// Adds units of an item to a device. `cell` is the index of both.
void PoolSolver::change(std::size_t cell, std::int32_t by) {
    at_[cell] += by;
    total_ += by * price_[cell];
    taking_[cell] = at_[cell] < high_[cell] ? price_[cell] : kInfinite;
    giving_[cell] = at_[cell] > low_[cell] ? price_[cell] : -kInfinite;
}

double PoolSolver::least_prices() {
    start();
    return least_total_;
}

bool PoolSolver::admit(std::size_t device) {
    ++room_[device];
    ++reach_;
    if (room_[device] <= load_[device]) {
        missing_ -= missing_ > 0 ? 1 : 0;
    }
    if (reach_ < all_ || missing_ > 0) {
        return false;
    }
    if (unplaced_ > 0) {
        // There may be room for all units for the first time, on any of the devices.
        for (std::size_t d = 0; d < devices_; ++d) {
            while (room_[d] > load_[d] && augment(d, room_[d] - load_[d])) {
            }
        }
    } else if (room_[device] == load_[device] + 1) {
        augment(device, 1); // if the device had free room before, more room gains nothing
    }
    return unplaced_ == 0;
}

double PoolSolver::solve(const Ladder& ladder, const Interval& time, double stop) {
    start();
    operations_ += static_cast<std::int64_t>(kStarts * items_ * devices_);
    for (const Event& event : ladder) {
        operations_ += kPerEvent;
        if (event.cost > time.most || event.cost + least_total_ >= stop) {
            break;
        }
        if (admit(event.device) && event.cost >= time.least && event.cost + total() < stop) {
            stop = event.cost + total();
            keep();
        }
    }
    return stop;
}

void PoolSolver::widen(const Ladder& ladder, const Interval& time, double limit, Interval& costs) {
    start();
    operations_ += static_cast<std::int64_t>(kStarts * items_ * devices_);
    for (const Event& event : ladder) {
        operations_ += kPerEvent;
        if (event.cost > time.most || event.cost + least_total_ >= limit) {
            break;
        }
        if (admit(event.device) && event.cost >= time.least && event.cost + total() < limit) {
            costs.least = std::min(costs.least, event.cost);
            costs.most = std::max(costs.most, event.cost);
        }
    }
}

} // namespace headroom::scheduler::exact
