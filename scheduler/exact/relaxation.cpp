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
      chain_price_(tables.chain_length() * n_), groups_(tables.layers() * n_ * n_),
      slices_(tables.layers() * n_), groups_solved_(tables.layers() * n_ * n_),
      slices_solved_(tables.layers() * n_), begin_(n_),
      path_(tables.layers(), {n_, n_, n_}, tables.by_formula()), target_(tables.layers()),
      used_(n_), busy_(tables.lanes()) {
    result_.draft.chain.resize(tables.chain_length());
    result_.draft.units.resize(tables.items().size() * n_);
    result_.draft.proj.resize(tables.sliced() ? 0 : tables.layers());
    result_.slope.resize(n_ + tables.lanes());
    chain_hosts_.resize(tables.chain_length());
    proj_hosts_.resize(tables.layers());
    connect_layers();
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
    tables_.visit_lanes(item, d, [&](std::size_t lane, double time) {
        sum += lane_price_[lane] * time;
    });
    return sum;
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
        for (const std::size_t p : proj_hosts_[l]) {
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

std::span<const Ladder> Relaxation::ladders_on_chain(const Pool& pool) const {
    const std::vector<std::size_t>& chain = result_.draft.chain;
    if (pool.slices) {
        return {&tables_.slice_ladder(pool.layer, chain[pool.layer + 1]), 1};
    }
    const std::size_t key = chain[tables_.by_formula() ? pool.layer + 1 : pool.layer];
    return tables_.group_ladders(pool.layer, key, target_[pool.layer]);
}

/// Loads a pool with the hosts on the chain. Returns its least cost, or `stop` if that is less.
double Relaxation::solve_on_chain(std::size_t k, double stop) {
    const Pool& pool = tables_.pools()[k];
    load(k);
    solver_.surcharge(tables_, target_[pool.layer]);
    for (const Ladder& ladder : ladders_on_chain(pool)) {
        ++work_;
        stop = solver_.solve(ladder, domain_->time[k], stop);
    }
    return stop;
}

/// Solves the pools on the best chain exactly. Returns false if they had been solved before.
bool Relaxation::solve_pools_on_chain(double slack) {
    bool changed = false;
    const std::vector<std::size_t>& chain = result_.draft.chain;
    for (std::size_t k = 0; k < tables_.pools().size(); ++k) {
        const Pool& pool = tables_.pools()[k];
        const std::size_t l = pool.layer;
        const std::size_t key = chain[tables_.by_formula() ? l + 1 : l];
        const std::size_t i = pool.slices ? l * n_ + chain[l + 1] : at(l, key, target_[l]);
        char& solved = (pool.slices ? slices_solved_ : groups_solved_)[i];
        if (solved == 0) {
            double& cost = (pool.slices ? slices_ : groups_)[i];
            const double most = cost + slack;
            const double least = solve_on_chain(k, most);
            cost = least < most ? least : kInfinite;
            solved = 1;
            changed = true;
        }
    }
    return changed;
}

/// Computes the counts of one pool on the best chain. `slack` is how much the bound may grow.
void Relaxation::collect_pool(std::size_t k, double slack) {
    const Pool& pool = tables_.pools()[k];
    const double total = solve_on_chain(k, kInfinite);
    const std::vector<std::int32_t> units = solver_.units();
    const auto first = static_cast<std::ptrdiff_t>(pool.first_item * n_);
    std::ranges::copy(units, result_.draft.units.begin() + first);
    if (slack < kInfinite) {
        result_.within[k] = {kInfinite, -kInfinite};
        for (const Ladder& ladder : ladders_on_chain(pool)) {
            solver_.widen(ladder, domain_->time[k], total + slack, result_.within[k]);
        }
    }
}

/// Computes the counts of the best chain, and the memory and lanes that it uses.
void Relaxation::collect(double slack) {
    std::ranges::fill(used_, 0);
    std::ranges::fill(busy_, 0);
    Draft& draft = result_.draft;
    result_.within.assign(tables_.pools().size(), {});
    for (std::size_t k = 0; k < tables_.pools().size(); ++k) {
        collect_pool(k, slack);
    }
    std::copy_n(target_.begin(), draft.proj.size(), draft.proj.begin());
    visit_draft(tables_, draft, [&](const Item& item, std::size_t d, std::int32_t count) {
        used_[d] += static_cast<double>(count) * static_cast<double>(item.weight);
        tables_.visit_lanes(item, d, [&](std::size_t lane, double time) {
            busy_[lane] += count * time;
        });
    });
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
    price_hosts();
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
