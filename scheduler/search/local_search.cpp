#include "scheduler/search/local_search.hpp"

#include <algorithm>

#include "scheduler/core/units.hpp"
#include "scheduler/search/neighborhoods/reoptimise_layers.hpp"

namespace headroom::scheduler {

LocalSearch::LocalSearch(
    const Problem& problem,
    CostModel& model,
    const SearchSettings& settings,
    const SearchObserver* observer
)
    : state_(problem, model, settings), observer_(observer) {}

Score LocalSearch::offer(const Placement& placement) {
    state_.go_to(placement);
    state_.record();
    return state_.score();
}

bool LocalSearch::improve_by(const Neighborhood& neighborhood) {
    if (observer_ == nullptr) {
        return neighborhood.improve(state_);
    }
    if (observer_->left_out.contains(neighborhood.name)) {
        return false;
    }
    if (observer_->statistics == nullptr) {
        return neighborhood.improve(state_);
    }
    NeighborhoodStatistics& statistics = (*observer_->statistics)[neighborhood.name];
    const Score before = state_.score();
    const std::int64_t tried = state_.tried();
    const std::int64_t kept = state_.kept();
    const std::int64_t work = state_.evaluations();
    const bool improved = neighborhood.improve(state_);
    ++statistics.calls;
    statistics.tried += state_.tried() - tried;
    statistics.kept += state_.kept() - kept;
    statistics.work += state_.evaluations() - work;
    if (before.shortage == 0) {
        statistics.gain += static_cast<double>(before.objective - state_.score().objective) /
                           static_cast<double>(before.objective);
    }
    return improved;
}

void LocalSearch::descend(std::span<const Neighborhood> neighborhoods) {
    const auto helps = [this](const Neighborhood& neighborhood) {
        return !state_.exhausted() && improve_by(neighborhood);
    };
    state_.forget_failed_sweeps();
    do {
        while (std::ranges::any_of(neighborhoods, helps)) {
        }
    } while (!state_.exhausted() && state_.forget_failed_sweeps() &&
             std::ranges::any_of(neighborhoods, helps));
}

void LocalSearch::descend_from(const Placement& placement) {
    offer(placement);
    descend(settings().neighborhoods);
}

void LocalSearch::repair(const Placement& placement) {
    state_.go_to(placement);
    state_.record_each(false);
    descend(settings().directed);
    state_.record_each(true);
    state_.record();
}

void LocalSearch::undo_idle_moves() {
    if (best()) {
        state_.go_to(Placement(best()->placement));
        descend({&neighborhoods::kUndoMigration, 1});
    }
}

/// Returns the shortest time in which any one unit can move.
Nanoseconds LocalSearch::least_move() const {
    Nanoseconds least = kStall;
    for (const Unit unit : units_of(state_.blocks())) {
        for (std::int32_t i = 0; i < count_of(state_.blocks(), unit); ++i) {
            const BlockId id = unit_of(state_.blocks(), unit, 0, i);
            for (std::size_t d = 0; d < state_.devices(); ++d) {
                const Nanoseconds time = state_.incumbent().moves().time(id, DeviceId(d));
                least = time > 0 ? std::min(least, time) : least;
            }
        }
    }
    return least;
}

void LocalSearch::climb_from(const Placement& placement, Nanoseconds most) {
    offer(placement);
    state_.record_each(false);
    descend(settings().directed);
    state_.record();
    const Nanoseconds least = least_move();
    const int budgets = settings().migration_budgets;
    int doubled = 1;
    while ((most >> (doubled * (budgets - 1))) > least) {
        ++doubled;
    }
    for (int i = budgets - 1; i >= 0 && !state_.exhausted(); --i) {
        const Nanoseconds allowance = most >> (doubled * i);
        if (allowance >= least) {
            state_.set_allowance(allowance);
            descend(settings().directed);
            state_.record();
        }
    }
    state_.set_allowance(0);
    state_.record_each(true);
}

/// Returns random changes: a few blocks or the hosts of a layer move to any devices, or two layers
/// are planned again.
std::vector<Relocation> LocalSearch::perturbation(Random& random) {
    const auto any_device = [&] {
        return DeviceId(static_cast<std::size_t>(random.below(state_.devices())));
    };
    const auto any_layer = [&] { return static_cast<std::size_t>(random.below(state_.layers())); };
    std::vector<Relocation> changes;
    switch (random.below(3)) {
    case 0: {
        const std::size_t layer = any_layer();
        changes.push_back({reduction_block_of(state_.blocks(), layer), any_device()});
        changes.push_back({activation_block_of(state_.blocks(), layer), any_device()});
        break;
    }
    case 1: {
        const std::uint64_t count = 2 + random.below(settings().perturbed_blocks - 1);
        for (std::uint64_t k = 0; k < count; ++k) {
            const std::uint64_t block = random.below(state_.blocks().size());
            changes.push_back({BlockId(static_cast<std::size_t>(block)), any_device()});
        }
        break;
    }
    default: {
        const std::size_t first = any_layer();
        changes = planned_again(first, any_layer());
        break;
    }
    }
    return changes;
}

/// Removes two layers (or one) and plans them again, one after the other.
std::vector<Relocation> LocalSearch::planned_again(std::size_t first, std::size_t second) {
    Ledger ledger = state_.ledger();
    const Blocks& blocks = state_.blocks();
    for (const std::size_t layer : {first, second}) {
        const std::size_t begin = blocks.group(static_cast<std::int32_t>(layer), 0).index();
        for (std::int32_t i = 0; i < blocks.blocks_per_layer(); ++i) {
            ledger.remove(BlockId(begin + static_cast<std::size_t>(i)));
        }
    }
    std::vector<Relocation> changes;
    for (const std::size_t layer : {first, second}) {
        LayerRoom room(state_.problem(), ledger, layer);
        const LayerPlan plan = plan_layer(state_, room);
        if (plan.time == kNever) {
            break;
        }
        for (const Relocation& change : changes_to(state_, layer, plan.counts)) {
            ledger.place(change.block, change.to);
            changes.push_back(change);
        }
        if (first == second) {
            break;
        }
    }
    return changes;
}

void LocalSearch::perturb(const Placement& fallback) {
    Random random(stream_seed(state_.problem().seed, "resource_aware"));
    for (int failed = 0; failed < settings().failed_perturbations && !state_.exhausted();
         ++failed) {
        const std::optional<Found> before = best();
        state_.go_to(before ? before->placement : fallback);
        state_.change(perturbation(random));
        descend(settings().neighborhoods);
        if (best() && (!before || best()->objective < before->objective)) {
            failed = -1;
        }
    }
}

} // namespace headroom::scheduler
