// See branch_and_bound.hpp.
#include "scheduler/policies/exact/branch_and_bound.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "scheduler/policies/exact/drafts.hpp"
#include "scheduler/policies/exact/fixed_hosts.hpp"
#include "scheduler/validate.hpp"

namespace headroom::scheduler::exact {
namespace {

constexpr int kRootIterations = 80;
constexpr int kIterations = 12;
/// Longest objective, in ns, that double arithmetic of this search resolves to less than half a ns.
constexpr double kResolved = 1e12;
constexpr double kRelative = 1e-12;
/// Objectives by formula are doubles; they are compared with this tolerance.
constexpr double kFormulaTolerance = 1e-9;
/// Share of the objective that D_mig may span before it is split ahead of the hosts.
constexpr double kWideMigration = 0.05;
/// Share of the iterations that must disagree on a holder of x to be split before any proj.
constexpr double kDoubt = 0.05;

bool later(const std::unique_ptr<Domain>& a, const std::unique_ptr<Domain>& b) {
    return a->bound != b->bound ? a->bound > b->bound : a->serial > b->serial;
}

} // namespace

/// What the iterations of one box have seen: where the search is in doubt.
struct BranchAndBound::Trace {
    explicit Trace(const Tables& tables)
        : chain(tables.chain_length() * tables.devices()), proj(tables.layers() * tables.devices()),
          chain_bound(chain.size(), -kInfinite), proj_bound(proj.size(), -kInfinite),
          units(tables.items().size() * tables.devices()),
          fastest(tables.pools().size(), kInfinite), slowest(tables.pools().size(), 0) {}

    double seen = 0;
    std::vector<double> chain;       ///< [position][device] times chosen
    std::vector<double> proj;        ///< [layer][device]
    std::vector<double> chain_bound; ///< [position][device] best bound with this host
    std::vector<double> proj_bound;
    std::vector<double> units;   ///< [item][device] sum
    std::vector<double> fastest; ///< [pool] of the ladder's cost
    std::vector<double> slowest;
    double migration = 0; ///< sum of D

    void add(const Tables& tables, const Relaxed& relaxed) {
        const std::size_t n = tables.devices();
        seen += 1;
        migration += relaxed.migration;
        for (std::size_t i = 0; i < relaxed.draft.chain.size(); ++i) {
            chain[i * n + relaxed.draft.chain[i]] += 1;
        }
        for (std::size_t l = 0; l < relaxed.draft.proj.size(); ++l) {
            proj[l * n + relaxed.draft.proj[l]] += 1;
        }
        for (std::size_t k = 0; k < relaxed.chain.size(); ++k) {
            chain_bound[k] = std::max(chain_bound[k], relaxed.chain[k]);
        }
        for (std::size_t k = 0; k < relaxed.proj.size(); ++k) {
            proj_bound[k] = std::max(proj_bound[k], relaxed.proj[k]);
        }
        for (std::size_t k = 0; k < units.size(); ++k) {
            units[k] += relaxed.draft.units[k];
        }
        for (std::size_t k = 0; k < fastest.size(); ++k) {
            fastest[k] = std::min(fastest[k], relaxed.cost[k]);
            slowest[k] = std::max(slowest[k], relaxed.cost[k]);
        }
    }
};

BranchAndBound::BranchAndBound(const Tables& tables, const std::optional<Decision>& incumbent)
    : tables_(tables), relaxation_(tables), best_objective_(tables.worst()) {
    if (incumbent) {
        const double objective = objective_ns(tables.problem(), *incumbent);
        if (objective < kInfinite) {
            best_objective_ = objective;
            best_ = incumbent->placement;
        }
    }
}

/// A box whose bound reaches this has nothing better than the best placement. In profile
/// `physical` objectives are whole nanoseconds.
double BranchAndBound::cutoff() const {
    if (tables_.by_formula()) {
        return best_objective_ * (1 - kFormulaTolerance);
    }
    return best_objective_ < kResolved ? best_objective_ - 0.5 : best_objective_ * (1 - kRelative);
}

void BranchAndBound::push(std::unique_ptr<Domain> domain) {
    open_.push_back(std::move(domain));
    std::push_heap(open_.begin(), open_.end(), later);
}

std::unique_ptr<Domain> BranchAndBound::pop() {
    std::pop_heap(open_.begin(), open_.end(), later);
    std::unique_ptr<Domain> domain = std::move(open_.back());
    open_.pop_back();
    return domain;
}

Found BranchAndBound::run(std::int64_t limit) {
    Domain root = whole(tables_, best_objective_);
    if (propagate(tables_, root)) {
        push(std::make_unique<Domain>(std::move(root)));
    }
    bool first = true;
    double unfinished = kInfinite;
    while (!open_.empty() && open_.front()->bound < cutoff()) {
        if (!first && relaxation_.work() >= limit) {
            unfinished = open_.front()->bound;
            break;
        }
        std::unique_ptr<Domain> domain = pop();
        if (domain->single()) {
            settle(*domain);
            continue;
        }
        Trace trace(tables_);
        const Fate fate = ascend(*domain, trace, first ? kRootIterations : kIterations, limit);
        first = false;
        if (fate == Fate::unfinished) {
            push(std::move(domain));
        } else if (fate == Fate::split && closed(*domain)) {
            continue;
        } else if (fate == Fate::split && domain->single()) {
            settle(*domain); // single since this box was tightened
        } else if (fate == Fate::split) {
            split(*domain, trace);
        }
        if (tables_.aim() == Aim::feasibility && best_) {
            break;
        }
    }
    Found found;
    found.complete = unfinished >= kInfinite;
    found.placement = best_;
    found.objective = best_ ? best_objective_ : kInfinite;
    const double proven = tables_.by_formula() ? cutoff() : best_objective_;
    found.bound = found.complete ? proven : std::min(unfinished * (1 - kRelative), proven);
    found.nodes = relaxation_.work();
    return found;
}

/// Climbs to better multipliers by subgradient steps, best bound last.
BranchAndBound::Fate BranchAndBound::ascend(
    Domain& domain, Trace& trace, int iterations, std::int64_t limit
) {
    constexpr int kPatience = 4;
    constexpr double kShorter = 0.6;
    constexpr double kMomentum = 0.4;
    Multipliers now = domain.multipliers;
    std::vector<double> direction(now.size(), 0);
    double best = -kInfinite;
    double scale = 1;
    int fruitless = 0;
    for (int it = 0; it < iterations; ++it) {
        if (it > 0 && relaxation_.work() >= limit) {
            return Fate::unfinished;
        }
        const Relaxed& relaxed = relaxation_.solve(domain, now, cutoff());
        if (relaxed.bound >= cutoff()) {
            return Fate::dropped;
        }
        trace.add(tables_, relaxed);
        consider(relaxed);
        if (relaxed.bound > best) {
            best = relaxed.bound;
            domain.multipliers = now;
            domain.bound = std::max(domain.bound, best);
            fruitless = 0;
        } else if (++fruitless >= kPatience) {
            if (best < domain.bound && it < kIterations) {
                break; // the box inherited more than this: splitting is better
            }
            scale *= kShorter;
            fruitless = 0;
        }
        if (relaxed.bound >= cutoff() || !tighten(domain, relaxed)) {
            return Fate::dropped;
        }
        double norm = 0;
        for (std::size_t k = 0; k < now.size(); ++k) {
            const double slope = now[k] <= 0 ? std::max(0.0, relaxed.slope[k]) : relaxed.slope[k];
            direction[k] = slope + kMomentum * direction[k];
            norm += direction[k] * direction[k];
        }
        if (norm <= 0) {
            break; // the draft fits and pays for nothing that it does not use: it is the optimum
        }
        const double length = scale * (best_objective_ - relaxed.bound) / norm;
        for (std::size_t k = 0; k < now.size(); ++k) {
            now[k] = std::max(0.0, now[k] + length * direction[k]);
        }
    }
    return Fate::split;
}

/// Drops hosts and D_mig that this relaxation shows not to lead below the cutoff.
bool BranchAndBound::tighten(Domain& domain, const Relaxed& relaxed) {
    const std::size_t n = tables_.devices();
    const double limit = cutoff();
    bool changed = false;
    const auto sieve = [&](std::vector<std::uint64_t>& masks, const std::vector<double>& bounds) {
        for (std::size_t i = 0; i < masks.size(); ++i) {
            for (std::size_t d = 0; d < n; ++d) {
                if (has(masks[i], d) && bounds[i * n + d] >= limit) {
                    masks[i] &= ~(std::uint64_t{1} << d);
                    changed = true;
                }
            }
            if (masks[i] == 0) {
                return false;
            }
        }
        return true;
    };
    if (!sieve(domain.chain, relaxed.chain) || !sieve(domain.proj, relaxed.proj)) {
        return false;
    }
    // Times outside of `within` lead nowhere below the cutoff, given the hosts.
    for (std::size_t k = 0; k < relaxed.within.size(); ++k) {
        Interval& time = domain.time[k];
        time.least = std::max(time.least, relaxed.within[k].least);
        time.most = std::min(time.most, relaxed.within[k].most);
        if (time.least > time.most) {
            return false;
        }
    }
    return !changed || propagate(tables_, domain);
}

void BranchAndBound::consider(const Relaxed& relaxed) {
    const auto devices = static_cast<std::ptrdiff_t>(tables_.devices());
    const bool fits =
        std::all_of(relaxed.slope.begin(), relaxed.slope.begin() + devices, [](double s) {
            return s <= 0;
        });
    if (fits) {
        judge(relaxed.draft);
    }
}

/// Takes the draft if it is better than the best; the judge has the last word.
void BranchAndBound::judge(const Draft& draft) {
    const Problem& problem = tables_.problem();
    Placement placement = placement_of(tables_, draft);
    if (tables_.aim() == Aim::feasibility) {
        if (!best_ && validate(problem, placement).ok()) {
            best_ = std::move(placement);
        }
        return;
    }
    const double quick = quick_objective_ns(tables_, draft, placement);
    if (quick >= best_objective_ || !validate(problem, placement).ok()) {
        return;
    }
    const double objective = objective_ns(problem, evaluate(problem, placement, ""));
    if (objective < best_objective_) {
        best_objective_ = objective;
        best_ = std::move(placement);
    }
}

/// Whether the cheapest flow leaves nothing to look for in a box whose hosts are fixed.
bool BranchAndBound::closed(Domain& domain) {
    const std::optional<Flow> flow = cheapest_flow(tables_, domain);
    if (!flow) {
        return false;
    }
    if (!flow->exists) {
        return true;
    }
    judge(flow->draft);
    domain.bound = std::max(domain.bound, flow->bound);
    return domain.bound >= cutoff();
}

/// A box with one placement in it.
void BranchAndBound::settle(const Domain& domain) {
    Draft draft;
    for (const std::uint64_t mask : domain.chain) {
        draft.chain.push_back(lowest(mask));
    }
    for (const std::uint64_t mask : domain.proj) {
        draft.proj.push_back(lowest(mask));
    }
    draft.units = domain.least;
    judge(draft);
}

void BranchAndBound::add_child(Domain child) {
    if (child.bound < cutoff() && propagate(tables_, child)) {
        child.serial = ++pushed_;
        push(std::make_unique<Domain>(std::move(child)));
    }
}

void BranchAndBound::split(const Domain& domain, const Trace& trace) {
    if (!split_migration(domain, trace, kWideMigration * best_objective_) &&
        !split_hosts(domain, trace) && !split_interval(domain, trace)) {
        split_units(domain, trace);
    }
}

/// Splits by the host that the iterations agree on least.
bool BranchAndBound::split_hosts(const Domain& domain, const Trace& trace) {
    const std::size_t n = tables_.devices();
    const auto doubt = [&](const std::vector<double>& seen, std::size_t i) {
        const auto first = seen.begin() + static_cast<std::ptrdiff_t>(i * n);
        const double most = *std::max_element(first, first + static_cast<std::ptrdiff_t>(n));
        return 1 - most / std::max(trace.seen, 1.0);
    };
    double most = -1;
    std::size_t position = 0;
    bool chain = true;
    for (std::size_t i = 0; i < domain.chain.size(); ++i) {
        if (!one(domain.chain[i]) && doubt(trace.chain, i) > most) {
            most = doubt(trace.chain, i);
            position = i;
        }
    }
    for (std::size_t l = 0; l < domain.proj.size() && most <= kDoubt; ++l) {
        if (!one(domain.proj[l]) && doubt(trace.proj, l) > most) {
            most = doubt(trace.proj, l);
            position = l;
            chain = false;
        }
    }
    if (most < 0) {
        return false;
    }
    split_mask(domain, position, chain, trace);
    return true;
}

void BranchAndBound::split_mask(
    const Domain& domain, std::size_t position, bool chain, const Trace& trace
) {
    const std::size_t n = tables_.devices();
    const std::uint64_t mask = chain ? domain.chain[position] : domain.proj[position];
    for (std::size_t d = 0; d < n; ++d) {
        if (!has(mask, d) || twin_before(domain, mask, d)) {
            continue;
        }
        Domain child = domain;
        (chain ? child.chain : child.proj)[position] = std::uint64_t{1} << d;
        const double bound = (chain ? trace.chain_bound : trace.proj_bound)[position * n + d];
        child.bound = std::max(child.bound, bound);
        add_child(std::move(child));
    }
}

/// Whether a device before d in the mask is like it in every respect, the box's limits included:
/// then whatever d does here, that one can do.
bool BranchAndBound::twin_before(const Domain& domain, std::uint64_t mask, std::size_t d) const {
    const std::size_t n = tables_.devices();
    for (std::size_t a = 0; a < d; ++a) {
        if (!has(mask, a) || !tables_.alike(a, d)) {
            continue;
        }
        const auto level = [&](std::uint64_t m) { return has(m, a) == has(m, d); };
        bool same = std::all_of(domain.chain.begin(), domain.chain.end(), level) &&
                    std::all_of(domain.proj.begin(), domain.proj.end(), level);
        for (std::size_t i = 0; same && i < tables_.items().size(); ++i) {
            same = domain.least[i * n + a] == domain.least[i * n + d] &&
                   domain.most[i * n + a] == domain.most[i * n + d];
        }
        if (same) {
            return true;
        }
    }
    return false;
}

/// Splits D_mig if it spans more than `width`.
bool BranchAndBound::split_migration(const Domain& domain, const Trace& trace, double width) {
    constexpr double kInside = 0.2;
    const Interval d = domain.migration;
    const double span = d.most - d.least;
    if (!(span > std::max(width, 0.0))) {
        return false;
    }
    const double mean = trace.migration / std::max(trace.seen, 1.0);
    const double middle =
        std::floor(std::clamp(mean, d.least + kInside * span, d.most - kInside * span));
    Domain low = domain;
    low.migration.most = middle;
    add_child(std::move(low));
    Domain high = domain;
    high.migration.least = middle + 1; // D_mig is whole
    add_child(std::move(high));
    return true;
}

/// Splits D_mig or a pool's time, whichever spans most.
bool BranchAndBound::split_interval(const Domain& domain, const Trace& trace) {
    double widest = 0;
    std::size_t pool = tables_.pools().size();
    for (std::size_t k = 0; k < tables_.pools().size(); ++k) {
        const double width = domain.time[k].most - domain.time[k].least;
        if (width > widest) {
            widest = width;
            pool = k;
        }
    }
    if (split_migration(domain, trace, widest)) {
        return true;
    }
    if (pool == tables_.pools().size()) {
        return false;
    }
    const Interval t = domain.time[pool];
    const double middle = std::min(t.least + (t.most - t.least) / 2, std::nextafter(t.most, 0));
    Domain low = domain;
    low.time[pool].most = middle;
    add_child(std::move(low));
    Domain high = domain;
    high.time[pool].least = std::nextafter(middle, kInfinite);
    add_child(std::move(high));
    return true;
}

/// Splits the count that the iterations agree on least, or the widest.
void BranchAndBound::split_units(const Domain& domain, const Trace& trace) {
    const double seen = std::max(trace.seen, 1.0);
    double most = -1;
    std::size_t at = domain.least.size();
    for (std::size_t k = 0; k < domain.least.size(); ++k) {
        if (domain.least[k] == domain.most[k]) {
            continue;
        }
        const double mean = trace.units[k] / seen;
        const double doubt = std::abs(mean - std::round(mean));
        if (doubt > most) {
            most = doubt;
            at = k;
        }
    }
    if (at == domain.least.size()) {
        return;
    }
    const auto mean = static_cast<std::int32_t>(std::floor(trace.units[at] / seen));
    const std::int32_t middle = std::clamp(mean, domain.least[at], domain.most[at] - 1);
    Domain low = domain;
    low.most[at] = middle;
    add_child(std::move(low));
    Domain high = domain;
    high.least[at] = middle + 1;
    add_child(std::move(high));
}

} // namespace headroom::scheduler::exact
