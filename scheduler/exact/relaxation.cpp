#include "scheduler/exact/relaxation.hpp"

#include <algorithm>

namespace headroom::scheduler::exact {

double memory_scale(const Tables& tables) {
    Bytes most = 1;
    for (const Item& item : tables.items()) {
        most = std::max(most, item.weight);
    }
    return static_cast<double>(most);
}

Relaxation::Relaxation(const Tables& tables)
    : tables_(tables), n_(tables.devices()), memory_scale_(memory_scale(tables)), solver_(n_),
      memory_price_(n_), lane_price_(tables.lanes()), proj_price_(tables.layers() * n_),
      groups_(tables.layers() * n_ * n_), slices_(tables.layers() * n_),
      layer_(tables.layers() * n_ * n_), via_(tables.layers() * n_ * n_),
      node_(tables.chain_length() * n_), to_(tables.chain_length() * n_),
      from_(tables.chain_length() * n_), used_(n_), busy_(tables.lanes()) {
    result_.draft.chain.resize(tables.chain_length());
    result_.draft.units.resize(tables.items().size() * n_);
    result_.slope.resize(n_ + tables.lanes());
    if (!tables.sliced()) {
        result_.draft.proj.resize(tables.layers());
    }
}

void Relaxation::set_prices(const Multipliers& multipliers) {
    for (std::size_t d = 0; d < n_; ++d) {
        memory_price_[d] = multipliers[d] / memory_scale_;
    }
    for (std::size_t k = 0; k < tables_.lanes(); ++k) {
        lane_price_[k] = multipliers[n_ + k] / tables_.lane_scale(k);
    }
}

double Relaxation::price(const Item& item, std::size_t d) const {
    if (!reachable(tables_, item, d, domain_->migration.most)) {
        return kInfinite;
    }
    double sum = memory_price_[d] * static_cast<double>(item.weight) + item.charge[d];
    if (item.origin != kNowhere && item.origin != d) {
        sum += item.sent[d] > 0 ? lane_price_[tables_.link(item.origin, d)] * item.sent[d] : 0;
        sum += item.loaded[d] > 0 ? lane_price_[tables_.storage(d)] * item.loaded[d] : 0;
    }
    return sum;
}

double Relaxation::solve_groups(std::size_t pool, std::size_t key, std::size_t proj) {
    ++work_;
    double best = kInfinite;
    const std::size_t layer = tables_.pools()[pool].layer;
    for (const Ladder& ladder : tables_.group_ladders(layer, key, proj)) {
        best = solver_.solve(ladder, domain_->time[pool], best);
    }
    return best;
}

void Relaxation::load(std::size_t k) {
    const Pool& pool = tables_.pools()[k];
    pool_price_.clear();
    for (std::size_t i = 0; i < pool.items; ++i) {
        for (std::size_t d = 0; d < n_; ++d) {
            pool_price_.push_back(price(tables_.items()[pool.first_item + i], d));
        }
    }
    solver_.load(tables_, *domain_, k, pool_price_);
}

void Relaxation::solve_pools() {
    for (std::size_t k = 0; k < tables_.pools().size(); ++k) {
        const Pool& pool = tables_.pools()[k];
        const std::size_t l = pool.layer;
        load(k);
        const std::uint64_t next = domain_->chain[l + 1];
        if (pool.slices) {
            for (std::size_t hub = 0; hub < n_; ++hub) {
                work_ += has(next, hub) ? 1 : 0;
                slices_[l * n_ + hub] =
                    has(next, hub)
                        ? solver_.solve(tables_.slice_ladder(l, hub), domain_->time[k], kInfinite)
                        : kInfinite;
            }
            continue;
        }
        const std::uint64_t keys = tables_.by_formula() ? next : domain_->chain[l];
        const std::uint64_t projs = tables_.sliced() ? next : domain_->proj[l];
        for (std::size_t p = 0; p < n_; ++p) {
            if (has(projs, p)) {
                solver_.surcharge(tables_, p);
            }
            for (std::size_t key = 0; key < n_; ++key) {
                groups_[at(l, key, p)] =
                    has(projs, p) && has(keys, key) ? solve_groups(k, key, p) : kInfinite;
            }
        }
    }
}

/// Computes the cost of each layer for every pair of activation devices, with the best proj.
void Relaxation::join_layers() {
    for (std::size_t l = 0; l < tables_.layers(); ++l) {
        for (std::size_t d = 0; d < n_ && !tables_.sliced(); ++d) {
            proj_price_[l * n_ + d] = price(tables_.proj(l), d);
        }
        for (std::size_t h = 0; h < n_; ++h) {
            for (std::size_t f = 0; f < n_; ++f) {
                double best = kInfinite;
                std::size_t via = f;
                if (!has(domain_->chain[l], h) || !has(domain_->chain[l + 1], f)) {
                    layer_[at(l, h, f)] = kInfinite;
                    continue;
                }
                if (tables_.sliced()) {
                    best = groups_[at(l, h, f)] + slices_[l * n_ + f];
                }
                for (std::size_t p = 0; p < n_ && !tables_.sliced(); ++p) {
                    const double sum = groups_[at(l, tables_.by_formula() ? f : h, p)] +
                                       proj_price_[l * n_ + p] + tables_.from_proj(l, p, f);
                    via = sum < best ? p : via;
                    best = std::min(best, sum);
                }
                layer_[at(l, h, f)] = best;
                via_[at(l, h, f)] = via;
            }
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
        for (std::size_t a = 0; a < n_; ++a) {
            for (std::size_t b = 0; b < n_; ++b) {
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
        for (std::size_t a = 0; a < n_; ++a) {
            for (std::size_t b = 0; b < n_; ++b) {
                const double edge = i < last ? layer_[at(i - 1, a, b)] : tables_.finish(a, b);
                double& best = from_[(i - 1) * n_ + a];
                best = std::min(best, edge + node_[i * n_ + b] + from_[i * n_ + b]);
            }
        }
    }
}

/// Finds the best chain that begins at one of `embeds`, and the best bound with each host.
void Relaxation::shortest_chain(std::uint64_t embeds) {
    weigh_chain(embeds);
    forward();
    backward();
    const std::size_t last = tables_.chain_length() - 1;
    for (std::size_t k = 0; k < result_.chain.size(); ++k) {
        result_.chain[k] = std::min(result_.chain[k], to_[k] + from_[k]);
    }
    for (std::size_t l = 0; l < tables_.layers() && !tables_.sliced(); ++l) {
        for (std::size_t h = 0; h < n_; ++h) {
            for (std::size_t f = 0; f < n_; ++f) {
                const std::size_t i = (l + 1) * n_ + f;
                const double around = to_[l * n_ + h] + node_[i] + from_[i];
                if (around >= kInfinite || layer_[at(l, h, f)] >= kInfinite) {
                    continue;
                }
                for (std::size_t p = 0; p < n_; ++p) {
                    const double inside = groups_[at(l, tables_.by_formula() ? f : h, p)] +
                                          proj_price_[l * n_ + p] + tables_.from_proj(l, p, f);
                    double& best = result_.proj[l * n_ + p];
                    best = std::min(best, around + inside);
                }
            }
        }
    }
    double end = kInfinite;
    std::size_t d = 0;
    for (std::size_t k = 0; k < n_; ++k) {
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
        for (std::size_t a = 0; a < n_; ++a) {
            const double edge = i < last ? layer_[at(i - 1, a, d)] : tables_.finish(a, d);
            const double sum = to_[(i - 1) * n_ + a] + edge;
            before = sum < best ? a : before;
            best = std::min(best, sum);
        }
        d = before;
    }
}

void Relaxation::use(const Item& item, std::size_t d, std::int32_t count) {
    used_[d] += static_cast<double>(count) * static_cast<double>(item.weight);
    if (count > 0 && item.origin != kNowhere && item.origin != d) {
        busy_[tables_.link(item.origin, d)] += count * item.sent[d];
        busy_[tables_.storage(d)] += count * item.loaded[d];
    }
}

/// Computes the counts of one pool on the best chain. `slack` is how much the bound may grow.
void Relaxation::collect_pool(std::size_t k, double slack) {
    const Pool& pool = tables_.pools()[k];
    Draft& draft = result_.draft;
    const std::size_t ffn = draft.chain[pool.layer + 1];
    const std::size_t key = tables_.by_formula() ? ffn : draft.chain[pool.layer];
    const std::size_t proj = via_[at(pool.layer, draft.chain[pool.layer], ffn)];
    const Interval& time = domain_->time[k];
    load(k);
    double total = kInfinite;
    std::vector<const Ladder*> ladders;
    if (pool.slices) {
        ladders.push_back(&tables_.slice_ladder(pool.layer, ffn));
    } else {
        solver_.surcharge(tables_, proj);
        for (const Ladder& ladder : tables_.group_ladders(pool.layer, key, proj)) {
            ladders.push_back(&ladder);
        }
    }
    for (const Ladder* ladder : ladders) {
        ++work_;
        total = solver_.solve(*ladder, time, total);
    }
    std::copy(
        solver_.units().begin(),
        solver_.units().end(),
        draft.units.begin() + static_cast<std::ptrdiff_t>(pool.first_item * n_)
    );
    if (slack < kInfinite) {
        result_.within[k] = {kInfinite, -kInfinite};
        for (const Ladder* ladder : ladders) {
            solver_.widen(*ladder, time, total + slack, result_.within[k]);
        }
    }
    if (!pool.slices && !tables_.sliced()) {
        draft.proj[pool.layer] = proj;
        use(tables_.proj(pool.layer), proj, 1);
    }
}

/// Computes the counts of the best chain, and the memory and lanes that it uses.
void Relaxation::collect(double slack) {
    std::fill(used_.begin(), used_.end(), 0);
    std::fill(busy_.begin(), busy_.end(), 0);
    const Draft& draft = result_.draft;
    for (std::size_t i = 0; i < draft.chain.size(); ++i) {
        if (const Item* item = tables_.chain_item(i, draft.chain[0] == draft.chain[i])) {
            use(*item, draft.chain[i], 1);
        }
    }
    result_.within.assign(tables_.pools().size(), {});
    for (std::size_t k = 0; k < tables_.pools().size(); ++k) {
        collect_pool(k, slack);
    }
    for (std::size_t k = 0; k < draft.units.size(); ++k) {
        use(tables_.items()[k / n_], k % n_, draft.units[k]);
    }
}

/// Returns cap_k(D), the time for which lane k may be busy if D_mig is D.
double Relaxation::lane_cap(std::size_t lane, double migration) const {
    const double latency = tables_.lane_latency(lane);
    if (latency <= domain_->migration.least) {
        return migration - latency;
    }
    const double most = domain_->migration.most;
    return latency < most ? migration * (1 - latency / most) : 0;
}

void Relaxation::constant_terms(const Multipliers& multipliers) {
    constant_ = 0;
    for (std::size_t d = 0; d < n_; ++d) {
        constant_ -= multipliers[d] / memory_scale_ * domain_->room[d];
    }
    const auto with = [&](double migration) {
        double sum = migration;
        for (std::size_t k = 0; k < tables_.lanes(); ++k) {
            sum -= lane_price_[k] > 0 ? lane_price_[k] * lane_cap(k, migration) : 0;
        }
        return sum;
    };
    const double low = with(domain_->migration.least);
    const double high = with(domain_->migration.most);
    result_.migration = low <= high ? domain_->migration.least : domain_->migration.most;
    constant_ += std::min(low, high);
}

void Relaxation::find_slope() {
    for (std::size_t d = 0; d < n_; ++d) {
        result_.slope[d] = (used_[d] - domain_->room[d]) / memory_scale_;
    }
    for (std::size_t k = 0; k < tables_.lanes(); ++k) {
        const double over = busy_[k] - lane_cap(k, result_.migration);
        result_.slope[n_ + k] = tables_.moves() ? over / tables_.lane_scale(k) : 0;
    }
}

const Relaxed& Relaxation::solve(
    const Domain& domain, const Multipliers& multipliers, double limit
) {
    domain_ = &domain;
    set_prices(multipliers);
    constant_terms(multipliers);
    solve_pools();
    join_layers();
    result_.bound = kInfinite;
    result_.chain.assign(tables_.chain_length() * n_, kInfinite);
    result_.proj.assign(tables_.sliced() ? 0 : tables_.layers() * n_, kInfinite);
    if (tables_.tied()) {
        for (std::size_t d = 0; d < n_; ++d) {
            if (has(domain.chain[0], d)) {
                shortest_chain(std::uint64_t{1} << d);
            }
        }
    } else {
        shortest_chain(domain.chain[0]);
    }
    if (result_.bound < kInfinite) {
        collect(
            domain.hosts_fixed() ? std::max(0.0, limit - result_.bound - constant_) : kInfinite
        );
        find_slope();
    }
    result_.bound += constant_;
    for (std::vector<double>* bounds : {&result_.chain, &result_.proj}) {
        for (double& bound : *bounds) {
            bound += constant_;
        }
    }
    return result_;
}

} // namespace headroom::scheduler::exact
