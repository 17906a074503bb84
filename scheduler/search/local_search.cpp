// See local_search.hpp: how scores are compared, what is remembered, and the descents. What a
// descent tries is in basic_moves.cpp.
#include "scheduler/search/local_search.hpp"

#include <algorithm>
#include <tuple>

namespace headroom::scheduler {
namespace {

constexpr int kPriceBits = 20; // prices are in 2^-20 ns per byte
constexpr int kPriceRounds = 8;
constexpr std::uint64_t kMostKicked = 5;
/// Changes that are made and taken back in the time of evaluating a layer of some 25 devices.
constexpr std::int64_t kChangesPerLayer = 3;

} // namespace

Search::Search(const Problem& problem, const StepDelay& step, std::int64_t limit, Extent extent)
    : problem_(&problem), step_(&step), spreads_(problem, step), limit_(limit),
      brief_(extent == Extent::brief), counts_changes_(brief_),
      layers_(static_cast<std::size_t>(problem.blocks->shape().layers)), devices_(step.devices()) {}

bool Search::better(const Score& a, const Score& b) const {
    if (rule_.strict) {
        const Int128 of_a = seen(a);
        const Int128 of_b = seen(b);
        return std::tie(a.shortage, of_a, a.transfers) < std::tie(b.shortage, of_b, b.transfers);
    }
    const auto cost = [this](const Score& s) {
        return (seen(s) << kPriceBits) + rule_.price * s.shortage;
    };
    const Int128 less = cost(b) - cost(a);
    return less > 0 || (less == 0 && a.transfers < b.transfers);
}

/// Missing 1 % of an average device's memory costs as much as a tenth of the objective: low enough
/// to pass through infeasible placements, high enough to come back.
Search::Rule Search::gentle_price(const Score& score) const {
    constexpr Int128 kMost = Int128{1} << 50; // keeps the products in 128 bits
    Int128 memory = 1;
    for (const Snapshot::Device& device : problem_->snapshot.devices) {
        memory += device.memory;
    }
    const Int128 objective = std::min(score.objective, kMost);
    const auto devices = static_cast<Int128>(devices_);
    return {false, 1 + (10 * devices * objective << kPriceBits) / memory};
}

/// Remembers the current placement if it is the best feasible one, or the best that moves.
void Search::note() {
    const Score& score = draft_->score();
    if (score.shortage > 0) {
        return;
    }
    if (draft_->moves().moved() > 0 && (!runner_up_ || score.objective < runner_up_->objective)) {
        runner_up_ = {score.objective, draft_->inference(), draft_->migration()};
    }
    // Equal objectives: the smaller ids, so that the order of the search does not show.
    const bool first = !best_ || score.objective < best_->objective;
    if (first || (score.objective == best_->objective && draft_->placement() < best_->placement)) {
        best_ = {draft_->placement(), score.objective};
    }
}

/// Makes the changes and keeps them if that is better.
bool Search::consider(std::span<const Relocation> changes) {
    throw_if_stopped(problem_->stop);
    const Score before = draft_->score();
    const std::int64_t spent = draft_->evaluations();
    // More shortage than before is worse by the strict rule, whatever the objective.
    const bool made =
        rule_.strict ? draft_->attempt(changes, before.shortage) : draft_->attempt(changes);
    spent_ += draft_->evaluations() - spent;
    spent_ += counts_changes_ ? static_cast<std::int64_t>(changes.size()) / kChangesPerLayer : 0;
    if (!made) {
        return false;
    }
    const Score& after = draft_->score();
    const bool keep = better(after, before);
    const bool record = after.shortage == 0 && (!best_ || after.objective <= best_->objective);
    const bool moves = after.shortage == 0 && draft_->moves().moved() > 0 &&
                       (!runner_up_ || after.objective < runner_up_->objective);
    if (!quiet_ && (record || moves)) {
        note();
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
    note();
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

/// Cheap moves first; after any improvement by a dearer kind, the cheap ones again.
void Search::descend() {
    static constexpr Kind kAll[] = {
        &Search::heavy_moves,
        &Search::unit_moves,
        &Search::end_moves,
        &Search::homeward_moves,
        &Search::reroutes,
        &Search::layer_moves,
        &Search::device_moves,
        &Search::replans,
        &Search::heavy_swaps,
        &Search::unit_swaps,
    };
    static constexpr Kind kBrief[] = {
        &Search::drains,
        &Search::host_moves,
        &Search::homeward_moves,
        &Search::reroutes,
        &Search::end_moves,
        &Search::replans,
    };
    // The paper's D_mig is a sum: a layer planned afresh pays by itself.
    static constexpr Kind kFormula[] = {
        &Search::homeward_moves, &Search::replans, &Search::host_moves, &Search::drains};
    const std::span<const Kind> brief = step_->uses_paper_formulas()
                                            ? std::span<const Kind>(kFormula)
                                            : std::span<const Kind>(kBrief);
    try_all(brief_ ? brief : std::span<const Kind>(kAll));
}

void Search::directed_descent() {
    static constexpr Kind kDirected[] = {
        &Search::reliefs, &Search::drains, &Search::host_moves, &Search::end_moves};
    quiet_ = true;
    try_all(kDirected);
    quiet_ = false;
    note();
}

/// From a priced descent to a feasible placement: the price rises until nothing is missing.
void Search::settle_down() {
    for (int round = 0; round < kPriceRounds && !exhausted(); ++round) {
        descend();
        if (draft_->score().shortage == 0) {
            break;
        }
        rule_.price *= 4;
    }
    rule_ = {};
    descend();
}

void Search::climb_from(const Placement& placement, Nanoseconds most, int budgets) {
    offer(placement);
    rule_ = {};
    directed_descent();
    const Nanoseconds least = least_move();
    int doubled = 1;
    while ((most >> (doubled * (budgets - 1))) > least) {
        ++doubled;
    }
    for (int i = budgets - 1; i >= 0 && !exhausted(); --i) {
        rule_.budget = most >> (doubled * i);
        if (rule_.budget >= least) {
            directed_descent();
        }
    }
    rule_ = {};
}

void Search::descend_from(const Placement& placement) {
    const Score score = offer(placement);
    rule_ = score.shortage > 0 ? gentle_price(score) : Rule{};
    settle_down();
}

/// A few blocks to other devices; or one layer, or two devices' blocks exchanged.
std::vector<Relocation> Search::kick_changes(Random& random) {
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
        changes = recreate(first, static_cast<std::size_t>(random.below(layers_)));
    } else if (kind == 2) {
        const auto layer = static_cast<std::size_t>(random.below(layers_));
        if (!step_->sliced()) {
            changes.push_back({proj(layer), any_device()});
        }
        changes.push_back({ffn(layer), any_device()});
    } else {
        const std::uint64_t count = 2 + random.below(kMostKicked);
        for (std::uint64_t k = 0; k < count; ++k) {
            const auto i = static_cast<std::size_t>(random.below(now.size()));
            changes.push_back({BlockId(i), any_device()});
        }
    }
    return changes;
}

void Search::kick(const Placement& fallback, int fruitless) {
    Random random(stream_seed(problem_->seed, "resource_aware"));
    for (int in_vain = 0; in_vain < fruitless && !exhausted(); ++in_vain) {
        const std::optional<Found> before = best_;
        go_to(before ? before->placement : fallback);
        rule_ = gentle_price(draft_->score());
        draft_->attempt(kick_changes(random));
        settle_down();
        if (best_ && (!before || best_->objective < before->objective)) {
            in_vain = -1;
        }
    }
}

} // namespace headroom::scheduler
