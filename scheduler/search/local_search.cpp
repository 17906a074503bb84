// The comparison of scores, the record of results, the descents and the perturbations. The moves of
// a descent are in basic_moves.cpp and the files beside it.
#include "scheduler/search/local_search.hpp"

#include <algorithm>
#include <tuple>

namespace headroom::scheduler {
namespace {

constexpr int kPenaltyBits = 20; // penalties are in 2^-20 ns per byte
constexpr int kPenaltyRounds = 8;
constexpr std::uint64_t kMostPerturbed = 5;
/// Changes that are made and undone in the time of evaluating a layer of about 25 devices.
constexpr std::int64_t kChangesPerLayer = 3;

} // namespace

Search::Search(const Problem& problem, const StepDelay& step, std::int64_t limit, Extent extent)
    : problem_(&problem), step_(&step), spreads_(problem, step), limit_(limit),
      brief_(extent == Extent::brief), counts_changes_(brief_),
      layers_(static_cast<std::size_t>(problem.blocks->shape().layers)), devices_(step.devices()) {}

bool Search::better(const Score& a, const Score& b) const {
    if (acceptance_.strict) {
        const Int128 of_a = objective_of(a);
        const Int128 of_b = objective_of(b);
        return std::tie(a.shortage, of_a, a.transfers) < std::tie(b.shortage, of_b, b.transfers);
    }
    const auto cost = [this](const Score& s) {
        return (objective_of(s) << kPenaltyBits) + acceptance_.penalty * s.shortage;
    };
    const Int128 less = cost(b) - cost(a);
    return less > 0 || (less == 0 && a.transfers < b.transfers);
}

/// Returns a penalty by which lacking 1 % of an average device's memory costs a tenth of the
/// objective: low enough to pass through infeasible placements, high enough to leave them again.
Search::Acceptance Search::initial_penalty(const Score& score) const {
    constexpr Int128 kMost = Int128{1} << 50; // keeps the products in 128 bits
    Int128 memory = 1;
    for (const Snapshot::Device& device : problem_->snapshot.devices) {
        memory += device.memory;
    }
    const Int128 objective = std::min(score.objective, kMost);
    const auto devices = static_cast<Int128>(devices_);
    return {false, 1 + (10 * devices * objective << kPenaltyBits) / memory};
}

/// Records the present placement if it is the best feasible one, or the best that moves blocks.
void Search::record() {
    const Score& score = draft_->score();
    if (score.shortage > 0) {
        return;
    }
    if (draft_->moves().moved() > 0 && (!runner_up_ || score.objective < runner_up_->objective)) {
        runner_up_ = {score.objective, {draft_->inference(), draft_->migration()}};
    }
    // Of equal objectives the smaller ids win, so that the result depends less on the order of
    // moves.
    const bool lower = !best_ || score.objective < best_->objective;
    if (lower || (score.objective == best_->objective && draft_->placement() < best_->placement)) {
        best_ = {draft_->placement(), score.objective};
    }
}

/// Makes the changes and keeps them if the score is better.
bool Search::consider(std::span<const Relocation> changes) {
    throw_if_stopped(problem_->stop);
    const Score before = draft_->score();
    const std::int64_t spent = draft_->evaluations();
    // A strict comparison never accepts more shortage than before.
    const bool made =
        acceptance_.strict ? draft_->attempt(changes, before.shortage) : draft_->attempt(changes);
    spent_ += draft_->evaluations() - spent;
    spent_ += counts_changes_ ? static_cast<std::int64_t>(changes.size()) / kChangesPerLayer : 0;
    if (!made) {
        return false;
    }
    const Score& after = draft_->score();
    const bool keep = better(after, before);
    const bool best = after.shortage == 0 && (!best_ || after.objective <= best_->objective);
    const bool moves = after.shortage == 0 && draft_->moves().moved() > 0 &&
                       (!runner_up_ || after.objective < runner_up_->objective);
    if (!records_end_only_ && (best || moves)) {
        record();
    }
    if (!keep) {
        draft_->undo();
    }
    return keep;
}

void Search::go_to(const Placement& placement) {
    if (!draft_) {
        draft_.emplace(*problem_, *step_, placement);
        spent_ += draft_->evaluations();
        return;
    }
    std::vector<Relocation> changes;
    for (std::size_t b = 0; b < placement.size(); ++b) {
        if (draft_->placement()[b] != placement[b]) {
            changes.push_back({BlockId(b), placement[b]});
        }
    }
    const std::int64_t spent = draft_->evaluations();
    draft_->attempt(changes);
    spent_ += draft_->evaluations() - spent;
}

Score Search::offer(const Placement& placement) {
    go_to(placement);
    record();
    return draft_->score();
}

bool Search::try_all(std::span<const Kind> kinds) {
    bool improved = false;
    while (!exhausted()) {
        const auto helps = [this](Kind kind) { return !exhausted() && (this->*kind)(); };
        if (std::none_of(kinds.begin(), kinds.end(), helps)) {
            break;
        }
        improved = true;
    }
    return improved;
}

/// Tries moves that need little work first, and again after every improvement by other moves.
void Search::descend() {
    static constexpr Kind kAll[] = {
        &Search::heavy_moves,
        &Search::unit_moves,
        &Search::end_moves,
        &Search::undo_migration,
        &Search::reroutes,
        &Search::layer_moves,
        &Search::device_moves,
        &Search::reoptimise_layers,
        &Search::heavy_swaps,
        &Search::unit_swaps,
    };
    static constexpr Kind kBrief[] = {
        &Search::bottleneck_moves,
        &Search::host_moves,
        &Search::undo_migration,
        &Search::reroutes,
        &Search::end_moves,
        &Search::reoptimise_layers,
    };
    // D_mig of the paper is a sum, so a reoptimised layer pays for itself.
    static constexpr Kind kFormula[] = {
        &Search::undo_migration,
        &Search::reoptimise_layers,
        &Search::host_moves,
        &Search::bottleneck_moves};
    const std::span<const Kind> brief = step_->uses_paper_formulas()
                                            ? std::span<const Kind>(kFormula)
                                            : std::span<const Kind>(kBrief);
    try_all(brief_ ? brief : std::span<const Kind>(kAll));
}

void Search::directed_descent() {
    static constexpr Kind kDirected[] = {
        &Search::repair_moves, &Search::bottleneck_moves, &Search::host_moves, &Search::end_moves};
    records_end_only_ = true;
    try_all(kDirected);
    records_end_only_ = false;
    record();
}

/// Descends with a penalty that rises until the placement is feasible, then without infeasible
/// ones.
void Search::descend_to_feasible() {
    for (int round = 0; round < kPenaltyRounds && !exhausted(); ++round) {
        descend();
        if (draft_->score().shortage == 0) {
            break;
        }
        acceptance_.penalty *= 4;
    }
    acceptance_ = {};
    descend();
}

void Search::climb_from(const Placement& placement, Nanoseconds most, int budgets) {
    offer(placement);
    acceptance_ = {};
    directed_descent();
    const Nanoseconds least = least_move();
    int doubled = 1;
    while ((most >> (doubled * (budgets - 1))) > least) {
        ++doubled;
    }
    for (int i = budgets - 1; i >= 0 && !exhausted(); --i) {
        acceptance_.allowance = most >> (doubled * i);
        if (acceptance_.allowance >= least) {
            directed_descent();
        }
    }
    acceptance_ = {};
}

void Search::repair(const Placement& placement) {
    go_to(placement);
    acceptance_ = {};
    directed_descent();
}

void Search::descend_from(const Placement& placement) {
    const Score score = offer(placement);
    acceptance_ = score.shortage > 0 ? initial_penalty(score) : Acceptance{};
    descend_to_feasible();
}

/// Returns random changes: a few blocks, the hosts or all blocks of one layer move to other
/// devices, two devices exchange their blocks, or two layers are reoptimised.
std::vector<Relocation> Search::perturbation(Random& random) {
    const auto any_device = [&] {
        return DeviceId(static_cast<std::size_t>(random.below(devices_)));
    };
    const Placement& now = draft_->placement();
    std::vector<Relocation> changes;
    const std::uint64_t kind = random.below(5);
    if (kind == 0) {
        const DeviceId a = any_device();
        const DeviceId b = any_device();
        for (std::size_t i = 0; i < now.size(); ++i) {
            if (now[i] == a || now[i] == b) {
                changes.push_back({BlockId(i), now[i] == a ? b : a});
            }
        }
    } else if (kind == 1) {
        const auto layer = static_cast<std::int32_t>(random.below(layers_));
        const DeviceId to = any_device();
        for (std::size_t i = 0; i < now.size(); ++i) {
            if (problem_->blocks->name(BlockId(i)).layer == layer) {
                changes.push_back({BlockId(i), to});
            }
        }
    } else if (kind == 4) {
        const auto first = static_cast<std::size_t>(random.below(layers_));
        changes = ruin_and_recreate(first, static_cast<std::size_t>(random.below(layers_)));
    } else if (kind == 2) {
        const auto layer = static_cast<std::size_t>(random.below(layers_));
        if (!step_->sliced()) {
            changes.push_back({proj(layer), any_device()});
        }
        changes.push_back({ffn(layer), any_device()});
    } else {
        const std::uint64_t count = 2 + random.below(kMostPerturbed);
        for (std::uint64_t k = 0; k < count; ++k) {
            const auto i = static_cast<std::size_t>(random.below(now.size()));
            changes.push_back({BlockId(i), any_device()});
        }
    }
    return changes;
}

void Search::kick(const Placement& fallback, int max_without_improvement) {
    Random random(stream_seed(problem_->seed, "resource_aware"));
    for (int without_improvement = 0; without_improvement < max_without_improvement && !exhausted();
         ++without_improvement) {
        const std::optional<Found> before = best_;
        go_to(before ? before->placement : fallback);
        acceptance_ = initial_penalty(draft_->score());
        draft_->attempt(perturbation(random));
        descend_to_feasible();
        if (best_ && (!before || best_->objective < before->objective)) {
            without_improvement = -1;
        }
    }
}

} // namespace headroom::scheduler
