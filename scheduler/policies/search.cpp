// See search.hpp: how scores are compared, what is remembered, and the descents. What a descent
// tries is in neighbourhood.cpp.
#include "scheduler/policies/search.hpp"

#include <algorithm>
#include <tuple>

namespace headroom::scheduler {
namespace {

constexpr int kPriceBits = 20; // prices are in 2^-20 ns per byte
constexpr int kPriceRounds = 8;
constexpr std::uint64_t kMostKicked = 5;

} // namespace

Search::Search(const Problem& problem, const StepDelay& step, std::int64_t limit, Extent extent)
    : problem_(&problem), step_(&step), spreads_(problem, step), limit_(limit),
      brief_(extent == Extent::brief),
      layers_(static_cast<std::size_t>(problem.blocks->shape().layers)), devices_(step.devices()) {}

bool Search::better(const Score& a, const Score& b) const {
    if (rule_.strict) {
        return std::tie(a.shortage, a.objective, a.transfers) <
               std::tie(b.shortage, b.objective, b.transfers);
    }
    const auto cost = [this](const Score& s) {
        return (s.objective << kPriceBits) + rule_.price * s.shortage;
    };
    const WideNanoseconds less = cost(b) - cost(a);
    return less > 0 || (less == 0 && a.transfers < b.transfers);
}

/// Missing 1 % of an average device's memory costs as much as a tenth of the objective: low enough
/// to pass through infeasible placements, high enough to come back.
Search::Rule Search::gentle_price(const Score& score) const {
    constexpr WideNanoseconds kMost = WideNanoseconds{1} << 50; // keeps the products in 128 bits
    WideNanoseconds memory = 1;
    for (const Snapshot::Device& device : problem_->snapshot.devices) {
        memory += device.memory;
    }
    const WideNanoseconds objective = std::min(score.objective, kMost);
    const auto devices = static_cast<WideNanoseconds>(devices_);
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
    const Score before = draft_->score();
    const std::int64_t spent = draft_->evaluations();
    // More shortage than before is worse by the strict rule, whatever the objective.
    const bool made =
        rule_.strict ? draft_->attempt(changes, before.shortage) : draft_->attempt(changes);
    spent_ += draft_->evaluations() - spent;
    if (!made) {
        return false;
    }
    const Score& after = draft_->score();
    const bool keep = better(after, before);
    const bool record = after.shortage == 0 && (!best_ || after.objective <= best_->objective);
    const bool moves = after.shortage == 0 && draft_->moves().moved() > 0 &&
                       (!runner_up_ || after.objective < runner_up_->objective);
    if (record || moves) {
        note();
    }
    if (!keep) {
        draft_->undo();
    }
    return keep;
}

Score Search::offer(const Placement& placement) {
    draft_.emplace(*problem_, *step_, placement);
    spent_ += draft_->evaluations();
    note();
    return draft_->score();
}

/// Cheap moves first; after any improvement by a dearer kind, the cheap ones again.
void Search::descend() {
    using Kind = bool (Search::*)();
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
        &Search::homeward_moves, &Search::reroutes, &Search::end_moves, &Search::replans};
    const std::span<const Kind> kinds =
        brief_ ? std::span<const Kind>(kBrief) : std::span<const Kind>(kAll);
    bool improved = true;
    while (improved && !exhausted()) {
        improved = false;
        for (const Kind kind : kinds) {
            if (!exhausted() && (this->*kind)()) {
                improved = true;
                break;
            }
        }
    }
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
        draft_.emplace(*problem_, *step_, before ? before->placement : fallback);
        rule_ = gentle_price(draft_->score());
        draft_->attempt(kick_changes(random));
        settle_down();
        if (best_ && (!before || best_->objective < before->objective)) {
            in_vain = -1;
        }
    }
}

} // namespace headroom::scheduler
