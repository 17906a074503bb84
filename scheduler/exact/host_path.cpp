#include "scheduler/exact/host_path.hpp"

#include <algorithm>

namespace headroom::scheduler::exact {
namespace {

std::size_t least(const std::vector<double>& costs) {
    return static_cast<std::size_t>(std::ranges::min_element(costs) - costs.begin());
}

} // namespace

HostPath::HostPath(std::size_t layers, const Widths& widths, bool by_next_holder)
    : layers_(layers), widths_(widths), by_next_holder_(by_next_holder), to_state_(layers + 1),
      to_holder_(layers + 1), to_target_(layers), to_target_other_(layers), before_(layers),
      from_holder_(layers + 1), from_target_(layers), path_holder_(layers + 1),
      path_target_(layers) {}

void HostPath::limit_runs(const std::vector<std::size_t>& most) {
    std::size_t states = 0;
    for (const std::size_t length : most) {
        limited_.push_back(length > 0);
        first_.push_back(states);
        states += std::max<std::size_t>(1, length);
    }
    first_.push_back(states);
}

/// Exchanges the layer's own entries with those of the table; a second call undoes it.
void HostPath::exchange(std::size_t l) {
    if (layers_[l].own != nullptr) {
        for (auto& [index, cost] : *layers_[l].own) {
            std::swap(layers_[l].pool[index], cost);
        }
    }
}

/// Extends the paths to the targets of a layer: the best path, and the best from another holder.
void HostPath::to_targets(std::size_t l) {
    const Layer& layer = layers_[l];
    const Grid& from = to_holder_[l];
    Grid& to = to_target_[l];
    Grid& other = to_target_other_[l];
    std::vector<std::size_t>& before = before_[l];
    to.assign(widths_.targets, kInfinite);
    other.assign(widths_.targets, kInfinite);
    before.assign(widths_.targets, 0);
    if (by_next_holder_) {
        const std::size_t best = least(from);
        std::ranges::fill(to, from[best]);
        std::ranges::fill(before, best);
    }
    const std::size_t width = widths_.targets; // compilers need locals to keep them in registers
    for (std::size_t i = 0; i < widths_.holders && !by_next_holder_; ++i) {
        const double so_far = from[i];
        const double* const edge = layer.pool + i * width;
        for (std::size_t k = 0; k < width && so_far < kInfinite; ++k) {
            const double cost = so_far + edge[k];
            if (!(cost < other[k])) {
                continue;
            }
            other[k] = std::max(cost, to[k]);
            if (cost < to[k]) {
                to[k] = cost;
                before[k] = i;
            }
        }
    }
    for (std::size_t k = 0; k < widths_.targets; ++k) {
        to[k] += layer.target[k];
        other[k] += layer.target[k];
    }
}

/// Extends the paths to the next holders. From the second layer on, a path may not come to a
/// limited holder from itself; what it keeps is in stay().
void HostPath::to_holders(std::size_t l) {
    const Layer& layer = layers_[l];
    Grid& to = to_holder_[l + 1];
    to.assign(widths_.holders, kInfinite);
    for (std::size_t k = 0; k < widths_.targets; ++k) {
        const double before = to_target_[l][k];
        if (!(before < kInfinite)) {
            continue;
        }
        const double* const edge = layer.after + k * widths_.holders;
        const std::size_t from = before_[l][k];
        const double best_of_from = to[from];
        if (by_next_holder_) {
            for (std::size_t i = 0; i < widths_.holders; ++i) {
                const double cost = before + edge[i] + layer.pool[i * widths_.targets + k];
                to[i] = std::min(to[i], cost);
            }
        } else {
            for (std::size_t i = 0; i < widths_.holders; ++i) {
                to[i] = std::min(to[i], before + edge[i]);
            }
        }
        if (l > 0 && limited(from)) {
            to[from] = std::min(best_of_from, to_target_other_[l][k] + edge[from]);
        }
    }
    for (std::size_t i = 0; i < widths_.holders; ++i) {
        to[i] += layer.holder[i];
    }
    if (!first_.empty()) {
        keep_holders(l);
    }
}

/// Adds the paths that stay on a holder for as many layers in a row as it may have.
void HostPath::keep_holders(std::size_t l) {
    Grid& to = to_holder_[l + 1];
    Grid& state = to_state_[l + 1];
    state.assign(first_.back(), kInfinite);
    std::size_t target = 0;
    for (std::size_t i = 0; i < widths_.holders; ++i) {
        state[first_[i]] = to[i];
        const bool stays = l > 0 && first_[i + 1] > first_[i] + 1;
        const double cost = stays ? stay(l, i, target) : kInfinite;
        for (std::size_t r = first_[i] + 1; r < first_[i + 1] && cost < kInfinite; ++r) {
            state[r] = to_state_[l][r - 1] + cost;
            to[i] = std::min(to[i], state[r]);
        }
    }
}

/// Returns the cost of a layer that begins and ends on holder i, and its best target.
double HostPath::stay(std::size_t l, std::size_t i, std::size_t& target) const {
    const Layer& layer = layers_[l];
    const double* const pool = layer.pool + i * widths_.targets;
    const double* const back = layer.back + i * widths_.targets;
    double best = kInfinite;
    for (std::size_t k = 0; k < widths_.targets; ++k) {
        const double cost = pool[k] + layer.target[k] + back[k];
        target = cost < best ? k : target;
        best = std::min(best, cost);
    }
    return best + layer.holder[i];
}

double HostPath::to_end(const Ends& ends) {
    const Grid& to = to_holder_.back();
    to_end_.assign(widths_.ends, kInfinite);
    double best = kInfinite;
    for (std::size_t i = 0; i < widths_.holders; ++i) {
        for (std::size_t e = 0; e < widths_.ends && to[i] < kInfinite; ++e) {
            const double cost = to[i] + ends.finish[i * widths_.ends + e] + ends.end[e];
            to_end_[e] = std::min(to_end_[e], cost);
            if (cost < best) {
                best = cost;
                path_holder_.back() = i;
                path_end_ = e;
            }
        }
    }
    return best;
}

double HostPath::find(const Ends& ends) {
    to_holder_[0].assign(ends.begin, ends.begin + widths_.holders);
    for (std::size_t l = 0; l < layers_.size(); ++l) {
        exchange(l);
        to_targets(l);
        to_holders(l);
        exchange(l);
    }
    const double best = to_end(ends);
    if (best < kInfinite) {
        trace();
    }
    return best;
}

/// Returns the cost of the best path to target k and on to holder i that does not stay there.
double HostPath::arrival(std::size_t l, std::size_t k, std::size_t i) const {
    const bool same = l > 0 && limited(i) && before_[l][k] == i;
    const double pool = by_next_holder_ ? layers_[l].pool[i * widths_.targets + k] : 0;
    return (same ? to_target_other_ : to_target_)[l][k] +
           layers_[l].after[k * widths_.holders + i] + pool;
}

/// Finds target and holder before a layer whose ffn comes to the next holder on the path.
void HostPath::trace_arrival(std::size_t l) {
    const std::size_t next = path_holder_[l + 1];
    double best = kInfinite;
    for (std::size_t k = 0; k < widths_.targets; ++k) {
        const double cost = arrival(l, k, next);
        path_target_[l] = cost < best ? k : path_target_[l];
        best = std::min(best, cost);
    }
    path_holder_[l] = before_[l][path_target_[l]];
    if (l == 0 || !limited(next) || path_holder_[l] != next) {
        return;
    }
    best = kInfinite;
    for (std::size_t i = 0; i < widths_.holders; ++i) {
        const double cost =
            to_holder_[l][i] + layers_[l].pool[i * widths_.targets + path_target_[l]];
        path_holder_[l] = i != next && cost < best ? i : path_holder_[l];
        best = i != next ? std::min(best, cost) : best;
    }
}

std::size_t HostPath::best_state(std::size_t l, std::size_t i) const {
    if (first_.empty() || l == 0) {
        return 0;
    }
    const auto first = to_state_[l].begin() + static_cast<std::ptrdiff_t>(first_[i]);
    const auto last = to_state_[l].begin() + static_cast<std::ptrdiff_t>(first_[i + 1]);
    return static_cast<std::size_t>(std::min_element(first, last) - first);
}

/// Finds the path that ends at the last holder, from its end to its beginning.
void HostPath::trace() {
    std::size_t state = best_state(layers_.size(), path_holder_.back());
    for (std::size_t l = layers_.size(); l-- > 0;) {
        exchange(l);
        if (state > 0) {
            path_holder_[l] = path_holder_[l + 1];
            (void)stay(l, path_holder_[l], path_target_[l]);
            --state;
        } else {
            trace_arrival(l);
            state = best_state(l, path_holder_[l]);
        }
        exchange(l);
    }
}

void HostPath::measure_detours(const Ends& ends) {
    Grid& last = from_holder_.back();
    last.assign(widths_.holders, kInfinite);
    for (std::size_t i = 0; i < widths_.holders; ++i) {
        for (std::size_t e = 0; e < widths_.ends; ++e) {
            last[i] = std::min(last[i], ends.finish[i * widths_.ends + e] + ends.end[e]);
        }
    }
    for (std::size_t l = layers_.size(); l-- > 0;) {
        const Layer& layer = layers_[l];
        exchange(l);
        Grid& target = from_target_[l];
        Grid& holder = from_holder_[l];
        target.assign(widths_.targets, kInfinite);
        holder.assign(widths_.holders, kInfinite);
        for (std::size_t k = 0; k < widths_.targets; ++k) {
            for (std::size_t i = 0; i < widths_.holders; ++i) {
                const double pool = by_next_holder_ ? layer.pool[i * widths_.targets + k] : 0;
                const double cost = layer.after[k * widths_.holders + i] + pool + layer.holder[i];
                target[k] = std::min(target[k], cost + from_holder_[l + 1][i]);
            }
        }
        for (std::size_t i = 0; i < widths_.holders; ++i) {
            for (std::size_t k = 0; k < widths_.targets; ++k) {
                const double pool = by_next_holder_ ? 0 : layer.pool[i * widths_.targets + k];
                holder[i] = std::min(holder[i], pool + layer.target[k] + target[k]);
            }
        }
        exchange(l);
    }
}

} // namespace headroom::scheduler::exact
