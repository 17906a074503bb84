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
      groups_solved_(tables.layers() * n_ * n_), slices_solved_(tables.layers() * n_),
      layer_(tables.layers() * n_ * n_), via_(tables.layers() * n_ * n_),
      node_(tables.chain_length() * n_), to_(tables.chain_length() * n_),
      from_(tables.chain_length() * n_), used_(n_), busy_(tables.lanes()) {
    result_.draft.chain.resize(tables.chain_length());
    result_.draft.units.resize(tables.items().size() * n_);
    result_.slope.resize(n_ + tables.lanes());
    chain_hosts_.resize(tables.chain_length());
    if (!tables.sliced()) {
        result_.draft.proj.resize(tables.layers());
        proj_hosts_.resize(tables.layers());
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

double Relaxation::solve_groups(std::size_t pool, std::size_t key, std::size_t proj, double best) {
    ++work_;
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

/// Returns the least cost at which the ladder has room for all units of the pool.
double Relaxation::least_time(const Ladder& ladder, std::size_t pool) const {
    const auto units = static_cast<std::size_t>(tables_.pools()[pool].units);
    const Interval& time = domain_->time[pool];
    if (ladder.size() < units || ladder[units - 1].cost > time.most) {
        return kInfinite;
    }
    return std::max(ladder[units - 1].cost, time.least);
}

/// Sets the cost of each pool, for each pair of hosts, to a lower bound.
void Relaxation::bound_pools() {
    std::fill(groups_solved_.begin(), groups_solved_.end(), 0);
    std::fill(slices_solved_.begin(), slices_solved_.end(), 0);
    for (std::size_t k = 0; k < tables_.pools().size(); ++k) {
        const Pool& pool = tables_.pools()[k];
        const std::size_t l = pool.layer;
        load(k);
        double prices = solver_.least_prices();
        const Hosts& next = chain_hosts_[l + 1];
        if (pool.slices) {
            for (const std::size_t hub : next) {
                slices_[l * n_ + hub] = least_time(tables_.slice_ladder(l, hub), k) + prices;
            }
            continue;
        }
        const Hosts& keys = tables_.by_formula() ? next : chain_hosts_[l];
        const Hosts& projs = tables_.sliced() ? next : proj_hosts_[l];
        for (const std::size_t p : projs) {
            if (tables_.by_formula()) {
                solver_.surcharge(tables_, p);
                prices = solver_.least_prices();
            }
            for (const std::size_t key : keys) {
                double least = kInfinite;
                for (const Ladder& ladder : tables_.group_ladders(l, key, p)) {
                    least = std::min(least, least_time(ladder, k));
                }
                groups_[at(l, key, p)] = least + prices;
            }
        }
    }
}

/// Solves the pools on the best chain exactly. Returns false if they had been solved before.
bool Relaxation::solve_pools_on_chain(double slack) {
    bool changed = false;
    const Draft& draft = result_.draft;
    for (std::size_t k = 0; k < tables_.pools().size(); ++k) {
        const Pool& pool = tables_.pools()[k];
        const std::size_t l = pool.layer;
        const std::size_t h = draft.chain[l];
        const std::size_t f = draft.chain[l + 1];
        if (pool.slices) {
            const std::size_t i = l * n_ + f;
            if (slices_solved_[i] == 0) {
                load(k);
                ++work_;
                const double most = slices_[i] + slack;
                const double least =
                    solver_.solve(tables_.slice_ladder(l, f), domain_->time[k], most);
                slices_[i] = least < most ? least : kInfinite;
                slices_solved_[i] = 1;
                changed = true;
                for (const std::size_t a : chain_hosts_[l]) {
                    join_layer(l, a);
                }
            }
            continue;
        }
        const std::size_t key = group_key(h, f);
        const std::size_t p = via_[at(l, h, f)];
        const std::size_t i = at(l, key, p);
        if (groups_solved_[i] == 0) {
            load(k);
            solver_.surcharge(tables_, p);
            const double most = groups_[i] + slack;
            const double least = solve_groups(k, key, p, most);
            groups_[i] = least < most ? least : kInfinite;
            groups_solved_[i] = 1;
            changed = true;
            if (tables_.by_formula()) {
                for (const std::size_t a : chain_hosts_[l]) {
                    join_layer(l, a);
                }
            } else {
                join_layer(l, h);
            }
        }
    }
    return changed;
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
    const std::vector<std::int32_t> units = solver_.units();
    std::copy(
        units.begin(),
        units.end(),
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
    list_hosts();
    bound_pools();
    join_layers();
    do {
        find_best_chain();
    } while (result_.bound < kInfinite &&
             solve_pools_on_chain(std::max(0.0, limit - result_.bound - constant_)));
    find_bounds_of_hosts(result_.bound + constant_ < limit);
    if (result_.bound + constant_ < limit) {
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
