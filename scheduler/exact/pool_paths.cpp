// The paths on which pool_solver.hpp moves units. Units that are not placed yet are at an
// additional node ("waiting"), which every path prefers as its start.
#include <algorithm>

#include "scheduler/exact/pool_solver.hpp"

namespace headroom::scheduler::exact {

/// Computes the shortest paths from every device and from waiting to one device, by the algorithm
/// of Bellman and Ford. A step takes a unit of an item from one device to another, so the paths
/// alternate between devices and items.
void PoolSolver::find_paths(std::size_t to) {
    std::fill(distance_.begin(), distance_.end(), kInfinite);
    std::fill(item_distance_.begin(), item_distance_.end(), kInfinite);
    distance_[to] = 0;
    new_devices_.assign(1, to);
    for (std::size_t round = 0; round <= devices_ && !new_devices_.empty(); ++round) {
        new_items_.clear();
        operations_ += static_cast<std::int64_t>(items_ * new_devices_.size());
        for (std::size_t i = 0; i < items_; ++i) {
            const std::size_t k = i * devices_;
            double best = item_distance_[i] - rounding_;
            std::size_t next = devices_;
            for (const std::size_t b : new_devices_) {
                const double d = taking_[k + b] + distance_[b];
                if (d < best) {
                    best = d;
                    next = b;
                }
            }
            if (next < devices_) {
                item_distance_[i] = best;
                item_next_[i] = next;
                new_items_.push_back(i);
            }
        }
        new_devices_.clear();
        operations_ += static_cast<std::int64_t>(devices_ * new_items_.size());
        for (std::size_t a = 0; a < devices_ && !new_items_.empty(); ++a) {
            double best = distance_[a] - rounding_;
            std::size_t by = items_;
            for (const std::size_t i : new_items_) {
                const std::size_t k = i * devices_ + a;
                const double d = item_distance_[i] - giving_[k];
                if (d < best) {
                    best = d;
                    by = i;
                }
            }
            if (by < items_ && a != to) {
                distance_[a] = best;
                next_[a] = item_next_[by];
                by_[a] = by;
                new_devices_.push_back(a);
            }
        }
    }
    for (std::size_t i = 0; i < items_; ++i) {
        if (waiting_[i] > 0 && item_distance_[i] < distance_[devices_]) {
            distance_[devices_] = item_distance_[i];
            next_[devices_] = item_next_[i];
            by_[devices_] = i;
        }
    }
}

/// Does what augment() does if there is only one item. Then the best path has one step, because
/// the prices between its ends cancel out.
bool PoolSolver::augment_directly(std::size_t to, std::int32_t room) {
    const bool open = at_[to] < high_[to];
    std::size_t from = to;
    double best = price_[to] + rounding_;
    std::size_t holders = 0;
    for (std::size_t a = 0; a < devices_; ++a) {
        const bool has_units = open && a != to && at_[a] > low_[a];
        holders += has_units ? 1 : 0;
        if (has_units && price_[a] > best) {
            best = price_[a];
            from = a;
        }
    }
    operations_ += static_cast<std::int64_t>(1 + holders + (open ? devices_ : 0));
    const bool placed = open && waiting_[0] > 0;
    if (!placed && from == to) {
        return false;
    }
    const std::int32_t have = placed ? waiting_[0] : at_[from] - low_[from];
    const std::int32_t most = std::min({room, have, high_[to] - at_[to]});
    if (placed) {
        waiting_[0] -= most;
        unplaced_ -= most;
    } else {
        change(from, -most);
        load_[from] -= most;
    }
    change(to, most);
    load_[to] += most;
    return true;
}

/// Moves up to `room` units along the best path to a device. Returns false if no path lowers the
/// cost. Waiting units move first, whatever they cost.
bool PoolSolver::augment(std::size_t to, std::int32_t room) {
    if (items_ == 1) {
        return augment_directly(to, room);
    }
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
            change(k + a, -most);
        }
        change(k + next_[a], most);
    }
    if (from != devices_) {
        load_[from] -= most;
    }
    load_[to] += most;
    return most > 0;
}

} // namespace headroom::scheduler::exact
