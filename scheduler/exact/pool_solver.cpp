// Units that are not placed yet are at an additional node ("waiting"), which every path prefers as
// its start.
#include "scheduler/exact/pool_solver.hpp"

#include <algorithm>

namespace headroom::scheduler::exact {
namespace {

/// Gains below this, in ns and relative to the prices, may be rounding errors and are ignored.
constexpr double kRounding = 1e-6;
constexpr double kRelativeRounding = 1e-13;

} // namespace

void PoolSolver::load(
    const Tables& tables, const Domain& domain, std::size_t pool, const std::vector<double>& price
) {
    const Pool& p = tables.pools()[pool];
    items_ = p.items;
    all_ = p.units;
    base_ = price;
    price_ = price;
    count_.clear();
    const auto first = static_cast<std::ptrdiff_t>(p.first_item * devices_);
    const auto last = first + static_cast<std::ptrdiff_t>(items_ * devices_);
    low_.assign(domain.least.begin() + first, domain.least.begin() + last);
    high_.assign(domain.most.begin() + first, domain.most.begin() + last);
    for (std::size_t i = 0; i < items_; ++i) {
        count_.push_back(static_cast<std::int32_t>(tables.items()[p.first_item + i].blocks.size()));
        for (std::size_t d = 0; d < devices_; ++d) {
            if (price[i * devices_ + d] >= kInfinite) {
                high_[i * devices_ + d] = low_[i * devices_ + d];
            }
        }
    }
    distance_.resize(devices_ + 1);
    next_.resize(devices_ + 1);
    by_.resize(devices_ + 1);
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
}

/// Returns the least change of the cost if one unit moves from a to b, and its item. The index
/// a = devices_ stands for waiting.
double PoolSolver::step_price(std::size_t a, std::size_t b, std::size_t& item) const {
    double best = kInfinite;
    for (std::size_t i = 0; i < items_; ++i) {
        const std::size_t k = i * devices_;
        if (at_[k + b] >= high_[k + b]) {
            continue;
        }
        double change = kInfinite;
        if (a == devices_) {
            change = waiting_[i] > 0 ? price_[k + b] : kInfinite;
        } else if (at_[k + a] > low_[k + a]) {
            change = price_[k + b] - price_[k + a];
        }
        if (change < best) {
            best = change;
            item = i;
        }
    }
    return best;
}

/// Computes the shortest paths from every device and from waiting to one device, by the algorithm
/// of Bellman and Ford.
void PoolSolver::find_paths(std::size_t to) {
    std::fill(distance_.begin(), distance_.end(), kInfinite);
    distance_[to] = 0;
    for (std::size_t round = 0; round <= devices_; ++round) {
        bool changed = false;
        for (std::size_t b = 0; b < devices_; ++b) {
            if (distance_[b] >= kInfinite) {
                continue;
            }
            for (std::size_t a = 0; a <= devices_; ++a) {
                if (a == b || a == to) {
                    continue;
                }
                std::size_t item = 0;
                const double d = step_price(a, b, item) + distance_[b];
                if (d < distance_[a] - rounding_) {
                    distance_[a] = d;
                    next_[a] = b;
                    by_[a] = item;
                    changed = true;
                }
            }
        }
        if (!changed) {
            break;
        }
    }
}

/// Moves up to `room` units along the best path to a device. Returns false if no path lowers the
/// cost. Waiting units move first, whatever they cost.
bool PoolSolver::augment(std::size_t to, std::int32_t room) {
    find_paths(to);
    std::size_t from = devices_;
    if (distance_[devices_] >= kInfinite) {
        double best = -rounding_;
        for (std::size_t a = 0; a < devices_; ++a) {
            if (distance_[a] < best) {
                best = distance_[a];
                from = a;
            }
        }
        if (from == devices_) {
            return false;
        }
    }
    std::int32_t most = room;
    std::size_t hops = 0;
    for (std::size_t a = from; a != to; a = next_[a]) {
        const std::size_t k = by_[a] * devices_;
        const std::int32_t have = a == devices_ ? waiting_[by_[a]] : at_[k + a] - low_[k + a];
        most = std::min({most, have, high_[k + next_[a]] - at_[k + next_[a]]});
        if (++hops > devices_ + 1) {
            // Rounding has made the path a cycle. The placed units remain valid, but only the cost
            // without the limits of the ladder remains a bound.
            rounded_ = true;
            return false;
        }
    }
    for (std::size_t a = from; a != to; a = next_[a]) {
        const std::size_t k = by_[a] * devices_;
        if (a == devices_) {
            waiting_[by_[a]] -= most;
            unplaced_ -= most;
        } else {
            at_[k + a] -= most;
            total_ -= most * price_[k + a];
        }
        at_[k + next_[a]] += most;
        total_ += most * price_[k + next_[a]];
    }
    if (from != devices_) {
        load_[from] -= most;
    }
    load_[to] += most;
    return most > 0;
}

/// Goes through the events of the ladder. Calls take(cost, false) before the units are placed, when
/// only least_total_ is known, and stops if the result is false. Calls take(cost, true) when all
/// units are placed.
template <class Take>
void PoolSolver::climb(const Ladder& ladder, const Interval& time, const Take& take) {
    start();
    std::int32_t missing = 0; // units that must be on devices that have no room for them yet
    for (std::size_t d = 0; d < devices_; ++d) {
        missing += load_[d];
    }
    std::int32_t reach = 0;
    for (const Event& event : ladder) {
        if (event.cost > time.most || !take(event.cost, false)) {
            break;
        }
        const std::size_t j = event.device;
        ++room_[j];
        ++reach;
        if (room_[j] <= load_[j]) {
            missing -= missing > 0 ? 1 : 0;
        }
        if (reach < all_ || missing > 0) {
            continue;
        }
        if (unplaced_ > 0) {
            // There may be room for all units for the first time, on any of the devices.
            for (std::size_t d = 0; d < devices_; ++d) {
                while (room_[d] > load_[d] && augment(d, room_[d] - load_[d])) {
                }
            }
        } else if (room_[j] == load_[j] + 1) {
            augment(j, 1); // if j had free room before, more room gains nothing
        }
        if (unplaced_ == 0 && event.cost >= time.least) {
            take(event.cost, true);
        }
    }
}

double PoolSolver::solve(const Ladder& ladder, const Interval& time, double stop) {
    double best = stop;
    climb(ladder, time, [&](double cost, bool placed) {
        if (!placed) {
            return cost + least_total_ < best;
        }
        const double total = rounded_ ? least_total_ : total_;
        if (cost + total < best) {
            best = cost + total;
            best_units_ = at_;
        }
        return true;
    });
    return best;
}

void PoolSolver::widen(const Ladder& ladder, const Interval& time, double limit, Interval& costs) {
    climb(ladder, time, [&](double cost, bool placed) {
        if (placed && cost + (rounded_ ? least_total_ : total_) < limit) {
            costs.least = std::min(costs.least, cost);
            costs.most = std::max(costs.most, cost);
        }
        return cost + least_total_ < limit;
    });
}

} // namespace headroom::scheduler::exact
