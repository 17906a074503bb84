#include "scheduler/layers/assignment_descent.hpp"

#include <algorithm>
#include <functional>
#include <optional>

namespace headroom::scheduler {

AssignmentDescent::AssignmentDescent(const Problem& problem, const LayerCosts& costs)
    : costs_(costs), moves_(problem, costs), steps_(problem.steps()), layers_(costs.layers()),
      devices_(costs.devices()), moving_(problem.previous.has_value()) {
    for (std::size_t j = 0; j < devices_; ++j) {
        room_.push_back(costs.can_compute(j) ? costs.room(j) : -1);
        most_room_ = std::max(most_room_, room_.back());
    }
}

void AssignmentDescent::clear() {
    for (std::size_t l = 0; l < device_.size(); ++l) {
        moves_.remove(l, device_[l]);
    }
    device_.clear();
}

bool AssignmentDescent::start(const LayerAssignment& assignment) {
    clear();
    device_ = assignment;
    left_ = room_;
    before_.assign(1, 0);
    for (std::size_t l = 0; l < layers_; ++l) {
        moves_.add(l, device_[l]);
        left_[device_[l]] -= bytes(l);
        before_.push_back(before_.back() + step(l, l > 0 ? device_[l - 1] : 0, device_[l]));
    }
    before_.push_back(before_.back() + costs_.finish(device_.back()));
    const bool fits = costs_.has_room_for_ends() && repair();
    if (!fits) {
        clear();
        return false;
    }
    changed_.assign(layers_, true);
    apply(0, 0);
    return true;
}

/// Moves single layers away from devices that lack memory. Returns whether the result fits.
bool AssignmentDescent::repair() {
    for (;;) {
        std::optional<Part> best; // a device and a layer
        Int128 least = 0;
        bool lacks = false;
        for (std::size_t l = 0; l < layers_; ++l) {
            if (left_[device_[l]] >= 0) {
                continue;
            }
            lacks = true;
            for (std::size_t j = 0; j < devices_; ++j) {
                if (left_[j] < bytes(l)) {
                    continue;
                }
                ++work_;
                window_ = {{j, 1}};
                const Int128 more = Int128{steps_} * change(l, l + 1) + moves_.alone(l, j) -
                                    moves_.alone(l, device_[l]);
                if (!best || more < least) {
                    best = {j, l};
                    least = more;
                }
            }
        }
        if (!lacks || !best) {
            return !lacks;
        }
        const auto [j, l] = *best;
        left_[device_[l]] += bytes(l);
        left_[j] -= bytes(l);
        moves_.remove(l, device_[l]);
        moves_.add(l, j);
        device_[l] = j;
        for (std::size_t k = l; k <= layers_; ++k) {
            before_[k + 1] = k < layers_
                                 ? before_[k] + step(k, k > 0 ? device_[k - 1] : 0, device_[k])
                                 : before_[k] + costs_.finish(device_.back());
        }
    }
}

/// Returns by how much D_inf grows if layers [first, last) are on the devices of `window_`.
Nanoseconds AssignmentDescent::change(std::size_t first, std::size_t last) const {
    std::size_t l = first;
    std::size_t from = first > 0 ? device_[first - 1] : 0;
    Nanoseconds time = 0;
    for (const auto& [j, layers] : window_) {
        time += step(l, from, j) + costs_.time_alone(l + 1, l + layers, j);
        l += layers;
        from = j;
    }
    if (last == layers_) {
        return time + costs_.finish(from) - (before_.back() - before_[first]);
    }
    return time + step(last, from, device_[last]) - (before_[last + 1] - before_[first]);
}

/// Returns a lower bound of D_mig with layers [first, last) on the devices of `window_`.
Nanoseconds AssignmentDescent::least_migration(std::size_t first, std::size_t last) const {
    Nanoseconds longest = 0;
    Nanoseconds sum = 0;
    std::size_t l = first;
    for (const auto& [j, layers] : window_) {
        for (const std::size_t end = l + layers; l < end; ++l) {
            longest = std::max(longest, moves_.least(l, j));
            sum += moves_.least(l, j);
        }
    }
    const Nanoseconds rest = rest_of_migration(first, last);
    return moves_.adds_up() ? rest + sum : std::max(rest, longest);
}

/// Calls use(layer, new device) for each layer of the window whose device changes.
template <class Use>
void AssignmentDescent::for_each_moved(std::size_t first, const Use& use) const {
    std::size_t l = first;
    for (const auto& [j, layers] : window_) {
        for (const std::size_t end = l + layers; l < end; ++l) {
            if (device_[l] != j) {
                use(l, j);
            }
        }
    }
}

/// Charges memory for `window_` instead of the present devices. If it does not fit, changes
/// nothing.
bool AssignmentDescent::take_memory(std::size_t first) {
    for_each_moved(first, [&](std::size_t l, std::size_t j) {
        left_[device_[l]] += bytes(l);
        left_[j] -= bytes(l);
    });
    for (const Part& part : window_) {
        if (left_[part.first] < 0) {
            give_memory_back(first);
            return false;
        }
    }
    return true;
}

void AssignmentDescent::give_memory_back(std::size_t first) {
    for_each_moved(first, [&](std::size_t l, std::size_t j) {
        left_[device_[l]] -= bytes(l);
        left_[j] += bytes(l);
    });
}

/// Charges the moves of `window_` instead of the present ones. If D_mig is then at least `most`,
/// changes nothing and returns false. `least` is a lower bound of the new D_mig.
bool AssignmentDescent::move_blocks(std::size_t first, Nanoseconds least, Int128 most) {
    for_each_moved(first, [&](std::size_t l, std::size_t j) {
        work_ += static_cast<std::int64_t>(moves_.transfers(l) / 4);
        moves_.add(l, j);
    });
    const auto take_back = [&] {
        for_each_moved(first, [&](std::size_t l, std::size_t j) { moves_.remove(l, j); });
    };
    for (const Part& part : window_) {
        bool leaves = false;
        for_each_moved(first, [&](std::size_t l, std::size_t) {
            leaves |= device_[l] == part.first;
        });
        least = leaves ? least : std::max(least, moves_.slowest_to(part.first));
    }
    if (least >= most) {
        take_back();
        return false;
    }
    for_each_moved(first, [&](std::size_t l, std::size_t) { moves_.remove(l, device_[l]); });
    if (moves_.total() < most) {
        return true;
    }
    for_each_moved(first, [&](std::size_t l, std::size_t) { moves_.add(l, device_[l]); });
    take_back();
    return false;
}

/// Returns a lower bound of D_mig if layers [first, last) move away: the time of the transfers to
/// the devices of other layers, and what the moves of these layers do not account for.
Nanoseconds AssignmentDescent::rest_of_migration(std::size_t first, std::size_t last) const {
    const Nanoseconds without = migration_ - (least_before_[last] - least_before_[first]);
    for (std::size_t rank = 0; rank < busiest_.size(); ++rank) {
        const std::int32_t* const before = &on_busiest_before_[rank * (layers_ + 1)];
        if (before[last] == before[first]) {
            return std::max(busiest_[rank].first, without);
        }
    }
    return without;
}

/// Returns the bound below which D_inf must change if layers [first, last) move: only a shorter
/// migration can pay for longer steps.
Nanoseconds AssignmentDescent::longest_change(std::size_t first, std::size_t last) const {
    return moving_ && slowest_before_[last] > slowest_before_[first]
               ? (migration_ - rest_of_migration(first, last) + steps_ - 1) / steps_
               : 0;
}

/// Puts layers [first, last) on the devices of `window_` if that fits and lowers the objective, or
/// if it fits and `always` is set. Returns whether it did.
bool AssignmentDescent::consider(std::size_t first, std::size_t last, bool always) {
    work_ += static_cast<std::int64_t>(window_.size());
    const Nanoseconds longer = change(first, last);
    if (!always && longer >= longest_change(first, last)) {
        return false;
    }
    const Int128 most = always ? Int128{kNever} : Int128{migration_} - Int128{steps_} * longer;
    const Nanoseconds least = moving_ && !always ? least_migration(first, last) : 0;
    if (least >= most) {
        return false;
    }
    if (!take_memory(first)) {
        return false;
    }
    if (moving_ && !move_blocks(first, least, most)) {
        give_memory_back(first);
        return false;
    }
    apply(first, last);
    return true;
}

/// Puts layers [first, last) on the devices of `window_`; memory and moves are up to date.
void AssignmentDescent::apply(std::size_t first, std::size_t last) {
    std::size_t l = first;
    for (const auto& [j, layers] : window_) {
        for (std::size_t end = std::min(last, l + layers); l < end; ++l) {
            if (device_[l] == j) {
                continue;
            }
            device_[l] = j;
            changed_[l] = true;
            changed_[l > 0 ? l - 1 : 0] = true;
            changed_[std::min(l + 1, layers_ - 1)] = true;
        }
    }
    for (std::size_t k = first; k < layers_; ++k) {
        before_[k + 1] = before_[k] + step(k, k > 0 ? device_[k - 1] : 0, device_[k]);
    }
    before_[layers_ + 1] = before_[layers_] + costs_.finish(device_.back());
    migration_ = moves_.total();
    objective_ = Int128{migration_} + Int128{steps_} * before_.back();
    if (moving_) {
        find_sums();
    }
    find_runs();
}

/// Computes busiest_ and the sums over layers.
void AssignmentDescent::find_sums() {
    constexpr std::size_t kMostRanks = 4; // of busiest_; more would hardly make bounds better
    busiest_.clear();
    for (std::size_t j = 0; j < devices_; ++j) {
        if (moves_.slowest_to(j) > 0) {
            busiest_.emplace_back(moves_.slowest_to(j), j);
        }
    }
    const std::size_t ranks = std::min(kMostRanks, busiest_.size());
    std::partial_sort(
        busiest_.begin(),
        busiest_.begin() + static_cast<std::ptrdiff_t>(ranks),
        busiest_.end(),
        std::greater<>()
    );
    busiest_.resize(ranks);
    least_before_.assign(1, 0);
    slowest_before_.assign(1, 0);
    on_busiest_before_.assign(ranks * (layers_ + 1), 0);
    for (std::size_t l = 0; l < layers_; ++l) {
        const std::size_t j = device_[l];
        least_before_.push_back(least_before_.back() + moves_.least(l, j));
        slowest_before_.push_back(slowest_before_.back() + (moves_.is_slowest(l, j) ? 1 : 0));
        for (std::size_t rank = 0; rank < ranks; ++rank) {
            std::int32_t* const before = &on_busiest_before_[rank * (layers_ + 1) + l];
            before[1] = before[0] + (j == busiest_[rank].second ? 1 : 0);
        }
    }
}

void AssignmentDescent::find_runs() {
    runs_.clear();
    begins_.clear();
    for (std::size_t l = 0; l < layers_; ++l) {
        if (l == 0 || device_[l] != device_[l - 1]) {
            runs_.emplace_back(device_[l], 0);
            begins_.push_back(l);
        }
        ++runs_.back().second;
    }
    begins_.push_back(layers_);
}

} // namespace headroom::scheduler
