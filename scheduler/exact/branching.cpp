// How branch_and_bound.hpp splits a box: wide D_mig first, because it forbids moves; then hosts,
// most doubtful first; then times and D_mig down to single values; counts last.
#include <algorithm>
#include <cmath>
#include <utility>

#include "scheduler/exact/branch_and_bound.hpp"
#include "scheduler/exact/drafts.hpp"

namespace headroom::scheduler::exact {
namespace {

/// Share of the objective that D_mig may span before it is split ahead of the hosts.
constexpr double kWideMigration = 0.05;
/// Share of the iterations that must disagree on a holder of x to be split before any proj.
constexpr double kDoubt = 0.05;
/// A box with no more counts than these is split by counts: times and D_mig that no placement has
/// would otherwise be cut up for ever.
constexpr double kFew = 4096;

/// Counts that the box leaves open, units of a pool not yet added up.
double open_counts(const Domain& domain) {
    double all = 1;
    for (std::size_t k = 0; k < domain.least.size(); ++k) {
        all *= domain.most[k] - domain.least[k] + 1;
    }
    return all;
}

} // namespace

void BranchAndBound::split(const Domain& domain, const Trace& trace) {
    if (!split_migration(domain, trace, kWideMigration * best_objective_) &&
        !split_hosts(domain, trace)) {
        const double open = open_counts(domain);
        const bool few = open > 1 && open <= kFew;
        if (few || !split_interval(domain, trace)) {
            split_units(domain, trace);
        }
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
    if (flow_) {
        const std::size_t crowd = overdue(tables_, *flow_, domain.migration.most);
        const bool open = crowd < domain.least.size() && domain.least[crowd] < flow_->units[crowd];
        if (open) {
            Domain low = domain;
            low.most[crowd] = flow_->units[crowd] - 1;
            add_child(std::move(low));
            Domain high = domain;
            high.least[crowd] = flow_->units[crowd];
            add_child(std::move(high));
            return;
        }
    }
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
