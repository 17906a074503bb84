// The best chain of hosts in a relaxation (relaxation.hpp), a shortest path, and the bounds of all
// other hosts.
#include <algorithm>

#include "scheduler/exact/relaxation.hpp"

namespace headroom::scheduler::exact {

void Relaxation::list_hosts() {
    const auto list = [&](std::uint64_t mask, Hosts& hosts) {
        hosts.clear();
        for (; mask != 0; mask &= mask - 1) {
            hosts.push_back(lowest(mask));
        }
    };
    for (std::size_t i = 0; i < tables_.chain_length(); ++i) {
        list(domain_->chain[i], chain_hosts_[i]);
    }
    for (std::size_t l = 0; l < domain_->proj.size(); ++l) {
        list(domain_->proj[l], proj_hosts_[l]);
    }
}

/// Computes the cost of a layer from activation device h to every next one, with the best proj.
void Relaxation::join_layer(std::size_t l, std::size_t h) {
    const Hosts& next = chain_hosts_[l + 1];
    if (tables_.sliced()) {
        operations_ += static_cast<std::int64_t>(next.size());
        for (const std::size_t f : next) {
            layer_[at(l, h, f)] = groups_[at(l, h, f)] + slices_[l * n_ + f];
            via_[at(l, h, f)] = f;
        }
        return;
    }
    operations_ += static_cast<std::int64_t>(next.size() * proj_hosts_[l].size());
    for (const std::size_t f : next) {
        double best = kInfinite;
        std::size_t via = f;
        for (const std::size_t p : proj_hosts_[l]) {
            const double sum = groups_[at(l, group_key(h, f), p)] + proj_price_[l * n_ + p] +
                               tables_.from_proj(l, p, f);
            via = sum < best ? p : via;
            best = std::min(best, sum);
        }
        layer_[at(l, h, f)] = best;
        via_[at(l, h, f)] = via;
    }
}

void Relaxation::join_layers() {
    for (std::size_t l = 0; l < tables_.layers(); ++l) {
        for (std::size_t d = 0; d < n_ && !tables_.sliced(); ++d) {
            proj_price_[l * n_ + d] = price(tables_.proj(l), d);
        }
        for (const std::size_t h : chain_hosts_[l]) {
            join_layer(l, h);
        }
    }
}

void Relaxation::weigh_chain(std::uint64_t embeds) {
    const std::size_t last = tables_.chain_length() - 1;
    for (std::size_t i = 0; i <= last; ++i) {
        const std::uint64_t mask = i == 0 ? embeds : domain_->chain[i];
        for (std::size_t d = 0; d < n_; ++d) {
            const Item* item = tables_.chain_item(i, embeds == std::uint64_t{1} << d);
            double& node = node_[i * n_ + d];
            node = item != nullptr ? price(*item, d) : 0;
            node += i == 0 ? tables_.start(d) : 0;
            node = has(mask, d) ? node : kInfinite;
        }
    }
}

void Relaxation::forward() {
    const std::size_t last = tables_.chain_length() - 1;
    std::fill(to_.begin(), to_.end(), kInfinite);
    std::copy_n(node_.begin(), n_, to_.begin());
    for (std::size_t i = 1; i <= last; ++i) {
        for (const std::size_t a : chain_hosts_[i - 1]) {
            for (const std::size_t b : chain_hosts_[i]) {
                const double edge = i < last ? layer_[at(i - 1, a, b)] : tables_.finish(a, b);
                double& best = to_[i * n_ + b];
                best = std::min(best, to_[(i - 1) * n_ + a] + edge + node_[i * n_ + b]);
            }
        }
    }
}

void Relaxation::backward() {
    const std::size_t last = tables_.chain_length() - 1;
    std::fill(from_.begin(), from_.end(), kInfinite);
    std::fill_n(from_.begin() + static_cast<std::ptrdiff_t>(last * n_), n_, 0.0);
    for (std::size_t i = last; i > 0; --i) {
        for (const std::size_t a : chain_hosts_[i - 1]) {
            for (const std::size_t b : chain_hosts_[i]) {
                const double edge = i < last ? layer_[at(i - 1, a, b)] : tables_.finish(a, b);
                double& best = from_[(i - 1) * n_ + a];
                best = std::min(best, edge + node_[i * n_ + b] + from_[i * n_ + b]);
            }
        }
    }
}

/// Finds the best chain that begins at one of `embeds`. If it is the best of all, it becomes that
/// of the draft.
void Relaxation::shortest_chain(std::uint64_t embeds) {
    weigh_chain(embeds);
    forward();
    const std::size_t last = tables_.chain_length() - 1;
    double end = kInfinite;
    std::size_t d = 0;
    for (const std::size_t k : chain_hosts_[last]) {
        d = to_[last * n_ + k] < end ? k : d;
        end = std::min(end, to_[last * n_ + k]);
    }
    if (!(end < result_.bound)) {
        return;
    }
    result_.bound = end;
    for (std::size_t i = last; true; --i) {
        result_.draft.chain[i] = d;
        if (i == 0) {
            break;
        }
        double best = kInfinite;
        std::size_t before = 0;
        for (const std::size_t a : chain_hosts_[i - 1]) {
            const double edge = i < last ? layer_[at(i - 1, a, d)] : tables_.finish(a, d);
            const double sum = to_[(i - 1) * n_ + a] + edge;
            before = sum < best ? a : before;
            best = std::min(best, sum);
        }
        d = before;
    }
}

/// Lowers the bounds of hosts to those of the chains that begin at one of `embeds`.
void Relaxation::bound_hosts(std::uint64_t embeds) {
    weigh_chain(embeds);
    forward();
    backward();
    for (std::size_t i = 0; i < tables_.chain_length(); ++i) {
        for (const std::size_t d : chain_hosts_[i]) {
            double& best = result_.chain[i * n_ + d];
            best = std::min(best, to_[i * n_ + d] + from_[i * n_ + d]);
        }
    }
    for (std::size_t l = 0; l < tables_.layers() && !tables_.sliced(); ++l) {
        for (const std::size_t h : chain_hosts_[l]) {
            for (const std::size_t f : chain_hosts_[l + 1]) {
                const std::size_t i = (l + 1) * n_ + f;
                const double around = to_[l * n_ + h] + node_[i] + from_[i];
                if (around >= kInfinite || layer_[at(l, h, f)] >= kInfinite) {
                    continue;
                }
                operations_ += static_cast<std::int64_t>(proj_hosts_[l].size());
                for (const std::size_t p : proj_hosts_[l]) {
                    const double inside = groups_[at(l, group_key(h, f), p)] +
                                          proj_price_[l * n_ + p] + tables_.from_proj(l, p, f);
                    double& best = result_.proj[l * n_ + p];
                    best = std::min(best, around + inside);
                }
            }
        }
    }
}

/// Calls visit(embeds) for all devices of embed together or, if lm_head is tied to embed and takes
/// fewer bytes beside it, for one after the other.
template <class Visit>
void Relaxation::for_embeds(const Visit& visit) {
    ++work_;
    for (std::size_t i = 1; i < tables_.chain_length(); ++i) {
        operations_ +=
            2 * static_cast<std::int64_t>(chain_hosts_[i - 1].size() * chain_hosts_[i].size());
    }
    if (!tables_.tied()) {
        visit(domain_->chain[0]);
        return;
    }
    for (const std::size_t d : chain_hosts_[0]) {
        visit(std::uint64_t{1} << d);
    }
}

void Relaxation::find_best_chain() {
    result_.bound = kInfinite;
    for_embeds([&](std::uint64_t embeds) { shortest_chain(embeds); });
}

/// Sets the bounds of all hosts; infinite if the box needs none because it is dropped.
void Relaxation::find_bounds_of_hosts(bool needed) {
    result_.chain.assign(tables_.chain_length() * n_, kInfinite);
    result_.proj.assign(tables_.sliced() ? 0 : tables_.layers() * n_, kInfinite);
    if (needed) {
        for_embeds([&](std::uint64_t embeds) { bound_hosts(embeds); });
    }
}

} // namespace headroom::scheduler::exact
