// How branch_and_bound.hpp splits a box: first a wide interval of D_mig, because a small D_mig
// forbids moves; then the most doubtful host; then the times and D_mig; the counts last.
#include <algorithm>
#include <cmath>
#include <utility>

#include "scheduler/exact/branch_and_bound.hpp"
#include "scheduler/exact/drafts.hpp"

namespace headroom::scheduler::exact {
namespace {

/// If D_mig spans more than this share of the objective, it is split before the hosts.
constexpr double kWideMigration = 0.05;
/// If more than this share of the relaxations disagree on an activation device, one of these is
/// split before any proj.
constexpr double kDoubt = 0.05;
/// A box with at most this many combinations of counts is split by counts. Intervals could be split
/// without end between the values that placements have.
constexpr double kFewCounts = 4096;

/// Returns the number of combinations of counts in the box, whether or not they add up.
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
        const bool few = open > 1 && open <= kFewCounts;
        if (few || !split_interval(domain, trace)) {
            split_units(domain, trace);
        }
    }
}

/// Splits by the host on which the relaxations agree least.
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
        if (!has(mask, d) || has_equal_before(domain, mask, d)) {
            continue;
        }
        Domain child = domain;
        (chain ? child.chain : child.proj)[position] = std::uint64_t{1} << d;
        const double bound = (chain ? trace.chain_bound : trace.proj_bound)[position * n + d];
        child.bound = std::max(child.bound, bound);
        add_child(std::move(child));
    }
}

/// Returns whether an earlier device of the mask equals d in all rates and in all limits of the
/// box. Every placement with d then has an equally good one with that device.
bool BranchAndBound::has_equal_before(const Domain& domain, std::uint64_t mask, std::size_t d)
    const {
    const std::size_t n = tables_.devices();
    for (std::size_t a = 0; a < d; ++a) {
        if (!has(mask, a) || !tables_.alike(a, d)) {
            continue;
        }
        const auto equal = [&](std::uint64_t m) { return has(m, a) == has(m, d); };
        bool same = std::all_of(domain.chain.begin(), domain.chain.end(), equal) &&
                    std::all_of(domain.proj.begin(), domain.proj.end(), equal);
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
    add_halves(domain, [&](Domain& low, Domain& high) {
        low.migration.most = middle;
        high.migration.least = middle + 1; // D_mig is an integer
    });
    return true;
}

/// Splits D_mig or the time of a pool, whichever interval is widest.
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
    add_halves(domain, [&](Domain& low, Domain& high) {
        low.time[pool].most = middle;
        high.time[pool].least = std::nextafter(middle, kInfinite);
    });
    return true;
}

/// Splits a count: the one that makes the flow's slowest lane too slow, or the one on which the
/// relaxations agree least.
void BranchAndBound::split_units(const Domain& domain, const Trace& trace) {
    const double seen = std::max(trace.seen, 1.0);
    if (flow_) {
        const std::size_t entry = overdue(tables_, *flow_, domain.migration.most);
        const bool open = entry < domain.least.size() && domain.least[entry] < flow_->units[entry];
        if (open) {
            return split_count(domain, entry, flow_->units[entry] - 1);
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
    split_count(domain, at, std::clamp(mean, domain.least[at], domain.most[at] - 1));
}

void BranchAndBound::split_count(const Domain& domain, std::size_t at, std::int32_t middle) {
    add_halves(domain, [&](Domain& low, Domain& high) {
        low.most[at] = middle;
        high.least[at] = middle + 1;
    });
}

} // namespace headroom::scheduler::exact
