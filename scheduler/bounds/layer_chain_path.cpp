// The shortest paths of layer_chain.hpp.
#include <algorithm>

#include "scheduler/bounds/layer_chain.hpp"

namespace headroom::scheduler::bounds {

/// Extends the paths to the targets of a layer: the best path, and the best from another holder.
void LayerChain::to_targets(std::size_t layer) {
    const std::size_t width = targets_.size();
    Grid& to = to_target_[layer];
    Grid& other = to_target_other_[layer];
    std::vector<std::size_t>& from = from_holder_[layer];
    to.assign(width, kInfinite);
    other.assign(width, kInfinite);
    from.assign(width, 0);
    for (std::size_t i = 0; i < holders_.size(); ++i) {
        const double before = to_holder_[layer][i];
        const double* const edge = &bound_[grid_of(costs_.pool(layer, false))][i * width];
        for (std::size_t k = 0; k < width && before < kInfinite; ++k) {
            const double cost = before + edge[k];
            if (cost < to[k]) {
                other[k] = to[k];
                to[k] = cost;
                from[k] = i;
            } else if (cost < other[k]) {
                other[k] = cost;
            }
        }
    }
    for (std::size_t k = 0; k < width; ++k) {
        const double price =
            target_price_[layer][k] +
            (costs_.sliced() ? slice_bound_[grid_of(costs_.pool(layer, true))][k] : 0);
        to[k] += price;
        other[k] += price;
    }
}

/// Returns the cost of the best path to target k that may go on to holder i. From the second layer
/// on, a limited holder gets x from other holders only; what it keeps is in stay().
double LayerChain::to_target(std::size_t layer, std::size_t k, std::size_t i) const {
    const bool same = layer > 0 && limited_[i] && from_holder_[layer][k] == i;
    return (same ? to_target_other_ : to_target_)[layer][k];
}

/// Returns the cost of a layer that begins and ends on holder i, and its best target.
double LayerChain::stay(std::size_t layer, std::size_t i, std::size_t& target) const {
    const std::size_t times = costs_.times_of(layer);
    double best = kInfinite;
    for (std::size_t k = 0; k < targets_.size(); ++k) {
        const double cost = bound_[grid_of(costs_.pool(layer, false))][i * targets_.size() + k] +
                            target_price_[layer][k] +
                            after_by_holder_[times][i * targets_.size() + k];
        target = cost < best ? k : target;
        best = std::min(best, cost);
    }
    return best + holder_price_[layer][i];
}

void LayerChain::to_holders(std::size_t layer) {
    const std::size_t width = holders_.size();
    const Grid& after = after_[costs_.times_of(layer)];
    Grid& to = to_holder_[layer + 1];
    to.assign(width, kInfinite);
    for (std::size_t k = 0; k < targets_.size(); ++k) {
        const double before = to_target_[layer][k];
        const double* const edge = &after[k * width];
        const std::size_t from = from_holder_[layer][k];
        const double best_of_from = to[from];
        for (std::size_t i = 0; i < width && before < kInfinite; ++i) {
            to[i] = std::min(to[i], before + edge[i]);
        }
        if (layer > 0 && limited_[from]) { // the path may not end where it comes from
            to[from] = std::min(best_of_from, to_target_other_[layer][k] + edge[from]);
        }
    }
    for (std::size_t i = 0; i < width; ++i) {
        to[i] += holder_price_[layer][i];
    }
    Grid& state = to_state_[layer + 1];
    state.assign(first_.back(), kInfinite);
    std::size_t target = 0;
    for (std::size_t i = 0; i < width; ++i) {
        state[first_[i]] = to[i];
        const double cost = states(i) > 1 && layer > 0 ? stay(layer, i, target) : kInfinite;
        for (std::size_t r = first_[i] + 1; r < first_[i + 1] && cost < kInfinite; ++r) {
            state[r] = to_state_[layer][r - 1] + cost;
            to[i] = std::min(to[i], state[r]);
        }
    }
}

/// Returns the least cost of what follows the last layer, and its device for lm_head.
double LayerChain::end_cost(std::size_t holder, std::size_t& lm_head) const {
    const HostBlock* const block = costs_.end(false);
    if (block == nullptr) {
        lm_head = costs_.problem().source.index();
        return costs_.finish(holder, lm_head);
    }
    double best = kInfinite;
    for (std::size_t d = 0; d < costs_.devices(); ++d) {
        const double cost = costs_.finish(holder, d) + host_price(*block, d);
        lm_head = cost < best ? d : lm_head;
        best = std::min(best, cost);
    }
    return best;
}

double LayerChain::find_chain() {
    const std::size_t source = costs_.problem().source.index();
    const HostBlock* const embed = costs_.end(true);
    to_holder_[0].clear();
    for (const std::size_t d : holders_) {
        const double price = embed != nullptr ? host_price(*embed, d) : d == source ? 0 : kInfinite;
        to_holder_[0].push_back(price + costs_.start(d));
    }
    for (std::size_t l = 0; l < costs_.layers(); ++l) {
        exchange(costs_.pool(l, false));
        if (costs_.sliced()) {
            exchange(costs_.pool(l, true));
        }
        to_targets(l);
        to_holders(l);
        exchange(costs_.pool(l, false));
        if (costs_.sliced()) {
            exchange(costs_.pool(l, true));
        }
    }
    double best = kInfinite;
    std::size_t end = 0;
    std::size_t lm_head = 0;
    for (std::size_t i = 0; i < holders_.size(); ++i) {
        const double before = to_holder_.back()[i];
        const double cost =
            before < kInfinite ? before + end_cost(holders_[i], lm_head) : kInfinite;
        end = cost < best ? i : end;
        best = std::min(best, cost);
    }
    if (best < kInfinite) {
        trace_chain(end);
    }
    return best;
}

/// Finds target and holder before a layer whose ffn comes to the holder on the path.
void LayerChain::trace_arrival(std::size_t layer) {
    const std::size_t width = targets_.size();
    const std::size_t end = path_holder_[layer + 1];
    const Grid& after = after_[costs_.times_of(layer)];
    double best = kInfinite;
    for (std::size_t k = 0; k < width; ++k) {
        const double cost = to_target(layer, k, end) + after[k * holders_.size() + end];
        path_target_[layer] = cost < best ? k : path_target_[layer];
        best = std::min(best, cost);
    }
    best = kInfinite;
    for (std::size_t i = 0; i < holders_.size(); ++i) {
        const double cost =
            to_holder_[layer][i] +
            bound_[grid_of(costs_.pool(layer, false))][i * width + path_target_[layer]];
        const bool allowed = layer == 0 || i != end || !limited_[i];
        path_holder_[layer] = allowed && cost < best ? i : path_holder_[layer];
        best = allowed ? std::min(best, cost) : best;
    }
}

/// Finds the path that ends at this holder, from its end to its beginning.
void LayerChain::trace_chain(std::size_t end) {
    const auto best_state = [&](std::size_t layer, std::size_t i) {
        const Grid& states = to_state_[layer];
        const auto first = states.begin() + static_cast<std::ptrdiff_t>(first_[i]);
        const auto last = states.begin() + static_cast<std::ptrdiff_t>(first_[i + 1]);
        return static_cast<std::size_t>(std::min_element(first, last) - first);
    };
    path_holder_.back() = end;
    std::size_t state = best_state(costs_.layers(), end);
    for (std::size_t l = costs_.layers(); l-- > 0;) {
        exchange(costs_.pool(l, false));
        if (state > 0) {
            path_holder_[l] = path_holder_[l + 1];
            (void)stay(l, path_holder_[l], path_target_[l]);
            --state;
        } else {
            trace_arrival(l);
            state = l > 0 ? best_state(l, path_holder_[l]) : 0;
        }
        exchange(costs_.pool(l, false));
    }
}

/// Finds the best hosts of each layer on its own, for cost profile `paper`.
double LayerChain::find_layers() {
    const std::size_t width = targets_.size();
    double sum = 0;
    for (std::size_t l = 0; l < costs_.layers(); ++l) {
        const Grid& after = after_[costs_.times_of(l)];
        const Grid& edge = bound_[grid_of(costs_.pool(l, false))];
        double best = kInfinite;
        exchange(costs_.pool(l, false));
        for (std::size_t k = 0; k < width; ++k) {
            for (std::size_t i = 0; i < holders_.size(); ++i) {
                const double cost = edge[i * width + k] + target_price_[l][k] +
                                    after[k * holders_.size() + i] + holder_price_[l][i];
                if (cost < best) {
                    best = cost;
                    path_target_[l] = k;
                    path_holder_[l + 1] = i;
                }
            }
        }
        exchange(costs_.pool(l, false));
        sum += best;
    }
    return sum;
}

} // namespace headroom::scheduler::bounds
