#include "scheduler/exact/branch_and_bound.hpp"

#include <algorithm>
#include <utility>

#include "scheduler/core/validate.hpp"
#include "scheduler/exact/drafts.hpp"
#include "scheduler/exact/fixed_hosts.hpp"
#include "scheduler/exact/price_steps.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler::exact {
namespace {

constexpr int kRootIterations = 80;
constexpr int kIterations = 12;
/// The number of bounds that do not rise after which steps become shorter.
constexpr int kPatience = 4;
/// The largest objective, in ns, that doubles resolve to less than half a nanosecond in this
/// search.
constexpr double kResolved = 1e12;
constexpr double kRelative = 1e-12;
/// The relative tolerance for objectives by formula, which are not whole nanoseconds.
constexpr double kFormulaTolerance = 1e-9;

bool later(const std::unique_ptr<Domain>& a, const std::unique_ptr<Domain>& b) {
    return a->bound != b->bound ? a->bound > b->bound : a->serial > b->serial;
}

} // namespace

BranchAndBound::BranchAndBound(
    const Tables& tables, const std::optional<Decision>& incumbent, Improve improve
)
    : tables_(tables), relaxation_(tables), improve_(std::move(improve)),
      best_objective_(tables.worst()) {
    if (incumbent) {
        const double objective = objective_ns(tables.problem(), *incumbent);
        if (objective < kInfinite) {
            best_objective_ = objective;
            best_ = incumbent->placement;
        }
    }
}

/// Returns the bound from which on a box has no placement that is better than the best one. In
/// profile `physical` objectives are whole nanoseconds.
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

Found BranchAndBound::run(const Limits& limits) {
    Domain root = whole(tables_, best_objective_);
    if (propagate(tables_, root)) {
        push(std::make_unique<Domain>(std::move(root)));
    }
    bool first = true;
    double unfinished = kInfinite;
    while (!open_.empty() && open_.front()->bound < cutoff()) {
        if (!first && exhausted(limits)) {
            unfinished = open_.front()->bound;
            break;
        }
        std::unique_ptr<Domain> domain = pop();
        flow_.reset();
        if (domain->single()) {
            try_candidate(draft_of(*domain));
            continue;
        }
        Trace trace(tables_);
        const Fate fate =
            improve_bound(*domain, trace, first ? kRootIterations : kIterations, limits);
        first = false;
        if (fate == Fate::unfinished) {
            push(std::move(domain));
        } else if (fate == Fate::split && is_closed_by_flow(*domain)) {
            continue;
        } else if (fate == Fate::split && domain->single()) {
            try_candidate(draft_of(*domain)); // tighten() has left one placement
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
    found.operations = relaxation_.operations();
    return found;
}

/// Improves the multipliers, and with them the bound of the box, by subgradient steps.
BranchAndBound::Fate BranchAndBound::improve_bound(
    Domain& domain, Trace& trace, int iterations, const Limits& limits
) {
    Multipliers now = domain.multipliers;
    PriceSteps steps(kPatience, now.size());
    for (int it = 0; it < iterations; ++it) {
        if (it > 0 && exhausted(limits)) {
            return Fate::unfinished;
        }
        throw_if_stopped(tables_.problem().stop);
        const Relaxed& relaxed = relaxation_.solve(domain, now, cutoff());
        if (relaxed.bound >= cutoff()) {
            return Fate::dropped;
        }
        trace.add(tables_, relaxed);
        consider(relaxed);
        const PriceSteps::Progress progress = steps.note(relaxed.bound);
        if (progress == PriceSteps::Progress::higher) {
            domain.multipliers = now;
            domain.bound = std::max(domain.bound, relaxed.bound);
        } else if (progress == PriceSteps::Progress::shorter && it < kIterations &&
                   steps.best() < domain.bound) {
            break; // the bound of the parent box is better, so the box is split
        }
        if (relaxed.bound >= cutoff() || !tighten(domain, relaxed)) {
            return Fate::dropped;
        }
        if (!steps.move(now, relaxed.slope, best_objective_ - relaxed.bound)) {
            break; // the draft fits and is the optimum of the box (complementary slackness)
        }
    }
    return Fate::split;
}

/// Removes hosts and times with which this relaxation is not below the cutoff. Returns false if the
/// box is empty.
bool BranchAndBound::tighten(Domain& domain, const Relaxed& relaxed) {
    const std::size_t n = tables_.devices();
    const double limit = cutoff();
    bool changed = false;
    const auto filter = [&](std::vector<std::uint64_t>& masks, const std::vector<double>& bounds) {
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
    if (!filter(domain.chain, relaxed.chain) || !filter(domain.proj, relaxed.proj)) {
        return false;
    }
    // With the given hosts, times outside of `within` have bounds that are not below the cutoff.
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
        try_candidate(relaxed.draft);
    }
    if (improve_ && tables_.aim() == Aim::objective) {
        auto better = improve_(placement_of(tables_, relaxed.draft), relaxation_.operations());
        if (better) {
            try_placement(std::move(*better));
        }
    }
}

/// Keeps the draft if it is better than the best placement.
void BranchAndBound::try_candidate(const Draft& draft) {
    const Problem& problem = tables_.problem();
    Placement placement = placement_of(tables_, draft);
    if (tables_.aim() == Aim::feasibility) {
        if (!best_ && validate(problem, placement).ok()) {
            best_ = std::move(placement);
        }
        return;
    }
    if (quick_objective_ns(tables_, draft, placement) < best_objective_) {
        try_placement(std::move(placement));
    }
}

/// Keeps the placement if it is better than the best one, according to `validate` and `evaluate`.
void BranchAndBound::try_placement(Placement placement) {
    const Problem& problem = tables_.problem();
    if (!validate(problem, placement).ok()) {
        return;
    }
    const double objective = objective_ns(problem, evaluate(problem, placement));
    if (objective < best_objective_) {
        best_objective_ = objective;
        best_ = std::move(placement);
    }
}

/// Returns whether the cheapest flow shows that a box with fixed hosts has no better placement.
bool BranchAndBound::is_closed_by_flow(Domain& domain) {
    const std::optional<Flow> flow = cheapest_flow(tables_, domain);
    flow_.reset();
    if (!flow) {
        return false;
    }
    if (!flow->exists) {
        return true;
    }
    try_candidate(flow->draft);
    flow_ = flow->draft;
    domain.bound = std::max(domain.bound, flow->bound);
    return domain.bound >= cutoff();
}

void BranchAndBound::add_child(Domain child) {
    if (child.bound < cutoff() && propagate(tables_, child)) {
        child.serial = ++pushed_;
        push(std::make_unique<Domain>(std::move(child)));
    }
}

} // namespace headroom::scheduler::exact
