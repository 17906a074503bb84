// The changes that AssignmentDescent tries.
#include <algorithm>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "scheduler/layers/assignment_descent.hpp"

namespace headroom::scheduler {

/// Returns the time from x before layer `first` to the end of layer `last`, or of the step, with
/// layers [first, last) on j.
Nanoseconds AssignmentDescent::time_of(std::size_t first, std::size_t last, std::size_t j) const {
    return step(first, first > 0 ? device_[first - 1] : 0, j) +
           costs_.time_alone(first + 1, last, j) +
           (last < layers_ ? step(last, j, device_[last]) : costs_.finish(j));
}

/// Tries to move each window of layers to each device.
void AssignmentDescent::move_windows() {
    for (std::size_t first = 0; first < layers_; ++first) {
        for (std::size_t last = first + 1; last <= layers_ && work_ < most_; ++last) {
            if (!is_new(first, last)) {
                continue;
            }
            const Bytes size = costs_.bytes(first, last);
            if (size > most_room_) {
                break;
            }
            Nanoseconds limit = before_[last + 1] - before_[first] + longest_change(first, last);
            work_ += static_cast<std::int64_t>(devices_ / 2);
            for (std::size_t j = 0; j < devices_; ++j) {
                if (room_[j] >= size && time_of(first, last, j) < limit) {
                    window_.assign(1, {j, last - first});
                    if (consider(first, last)) {
                        limit = before_[last + 1] - before_[first] + longest_change(first, last);
                    }
                }
            }
        }
    }
}

/// Tries to exchange the devices of each pair of layers.
void AssignmentDescent::exchange_layers() {
    for (std::size_t l = 0; l < layers_; ++l) {
        for (std::size_t k = l + 1; k < layers_ && work_ < most_; ++k) {
            if (device_[l] == device_[k] || !is_new(l, k + 1)) {
                continue;
            }
            ++work_;
            if (k > l + 1 && time_of(l, l + 1, device_[k]) + time_of(k, k + 1, device_[l]) >=
                                 before_[l + 2] - before_[l] + before_[k + 2] - before_[k] +
                                     longest_change(l, k + 1)) {
                continue;
            }
            window_.assign(1, {device_[k], 1});
            for (std::size_t i = l + 1; i < k; ++i) {
                if (i > l + 1 && device_[i] == device_[i - 1]) {
                    ++window_.back().second;
                } else {
                    window_.emplace_back(device_[i], 1);
                }
            }
            window_.emplace_back(device_[l], 1);
            consider(l, k + 1);
        }
    }
}

/// Tries to move each sequence of up to three runs elsewhere, to reverse the order of runs, and to
/// exchange two of them, with and without their numbers of layers.
void AssignmentDescent::reorder_runs() {
    const auto consider_runs = [&](std::size_t p, std::size_t q) {
        return consider(begins_[p], begins_[q]);
    };
    for (std::size_t p = 0; p < runs_.size() && work_ < most_; ++p) {
        for (std::size_t q = p + 2; q <= runs_.size(); ++q) {
            if (!is_new(begins_[p], begins_[q])) {
                continue;
            }
            bool done = false;
            for (std::ptrdiff_t n = 1; n <= 3 && p + static_cast<std::size_t>(n) < q && !done;
                 ++n) {
                copy_runs(p, q);
                std::rotate(window_.begin(), window_.begin() + n, window_.end());
                done = consider_runs(p, q);
                if (!done) {
                    copy_runs(p, q);
                    std::rotate(window_.begin(), window_.end() - n, window_.end());
                    done = consider_runs(p, q);
                }
            }
            if (!done) {
                copy_runs(p, q);
                std::reverse(window_.begin(), window_.end());
                done = consider_runs(p, q);
            }
            if (!done) {
                copy_runs(p, q);
                std::swap(window_.front(), window_.back());
                done = consider_runs(p, q);
            }
            if (!done && runs_[p].second != runs_[q - 1].second) {
                copy_runs(p, q);
                std::swap(window_.front().first, window_.back().first);
                consider_runs(p, q);
            }
        }
    }
}

void AssignmentDescent::descend(std::int64_t work) {
    most_ = work_ + work;
    while (work_ < most_ && std::find(changed_.begin(), changed_.end(), true) != changed_.end()) {
        looked_at_ = changed_;
        changed_.assign(layers_, false);
        move_windows();
        reorder_runs();
        exchange_layers();
    }
}

bool AssignmentDescent::relieve(Nanoseconds most) {
    // A layer that has moved is not too slow any more, so each moves at most once. Sums and egress
    // caps, to which this does not apply, are left alone.
    for (std::size_t moved = 0; migration_ > most; ++moved) {
        if (moved == layers_ || moves_.adds_up() || !relieve_one(most)) {
            return false;
        }
    }
    return true;
}

/// Moves one of the layers whose transfers are the slowest. Returns whether any can be moved.
bool AssignmentDescent::relieve_one(Nanoseconds most) {
    std::vector<std::pair<Nanoseconds, Part>> options; // by how much a step grows; device and layer
    for (std::size_t l = 0; l < layers_; ++l) {
        if (slowest_before_[l + 1] == slowest_before_[l]) {
            continue;
        }
        work_ += static_cast<std::int64_t>(devices_);
        for (std::size_t j = 0; j < devices_; ++j) {
            if (j != device_[l] && left_[j] >= bytes(l) && moves_.least(l, j) <= most) {
                const Nanoseconds longer = time_of(l, l + 1, j) - (before_[l + 2] - before_[l]);
                options.push_back({longer, {j, l}});
            }
        }
    }
    std::sort(options.begin(), options.end());
    for (const auto& [longer, option] : options) {
        const auto& [j, l] = option;
        moves_.add(l, j);
        const bool slow = moves_.slowest_to(j) > most;
        moves_.remove(l, j);
        work_ += static_cast<std::int64_t>(moves_.transfers(l) / 4);
        if (!slow) {
            window_.assign(1, {j, 1});
            return consider(l, l + 1, true);
        }
    }
    return false;
}

void AssignmentDescent::kick(std::uint64_t random, std::int64_t work) {
    const LayerAssignment old = device_;
    const Int128 objective = objective_;
    changed_.assign(layers_, false);
    Random draws(random);
    const std::size_t m = runs_.size();
    if (m > 2 && draws.below(3) > 0) {
        const std::size_t p = draws.below(m - 1);
        const std::size_t q = std::min(m, p + 2 + draws.below(8));
        copy_runs(p, q);
        const auto middle = static_cast<std::ptrdiff_t>(1 + draws.below(q - p - 1));
        std::rotate(window_.begin(), window_.begin() + middle, window_.end());
        consider(begins_[p], begins_[q], true);
    } else {
        const std::size_t r = draws.below(m);
        window_.assign(1, {draws.below(devices_), runs_[r].second});
        consider(begins_[r], begins_[r + 1], true);
    }
    ++work_;
    descend(work);
    if (objective_ > objective) {
        start(old);
        changed_.assign(layers_, false);
    }
}

} // namespace headroom::scheduler
