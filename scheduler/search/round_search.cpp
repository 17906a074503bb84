#include "scheduler/search/round_search.hpp"

#include <algorithm>
#include <utility>

#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler {
namespace {

constexpr double kTolerance = 1e-9; // because estimates are sums of doubles
constexpr std::int64_t kPerChange = 4;
constexpr std::size_t kMostSimulatedSteps = 20'000; // largest round that a descent simulates
constexpr std::size_t kFewDevicesForExchanges = 8;  // largest fleet in which devices are exchanged

} // namespace

RoundSearch::RoundSearch(const Problem& problem, RoundModel& model, std::int64_t limit)
    : problem_(&problem), model_(&model), limit_(limit) {}

bool RoundSearch::better(const Value& a, const Value& b) {
    if (a.objective < b.objective * (1 - kTolerance)) {
        return true;
    }
    return a.objective <= b.objective && a.unevenness < b.unevenness * (1 - kTolerance);
}

RoundModel::Estimate RoundSearch::bound(const Draft& draft) {
    work_ += static_cast<std::int64_t>(draft.layers() * draft.devices());
    return model_->bound(draft);
}

RoundSearch::Value RoundSearch::value(const Draft& draft, double round, double unevenness) const {
    return {
        static_cast<double>(draft.migration()) + static_cast<double>(problem_->steps()) * round,
        unevenness};
}

RoundSearch::Value RoundSearch::value(const Draft& draft) {
    const RoundModel::Estimate least = bound(draft);
    const std::int64_t before = model_->work();
    const double round = model_->simulate_round(least, kMostSimulatedSteps);
    work_ += model_->work() - before;
    limit_of_ = least;
    return value(draft, round, least.unevenness);
}

void RoundSearch::consider(std::vector<Relocation> changes) {
    throw_if_stopped(problem_->stop);
    work_ += kPerChange * static_cast<std::int64_t>(changes.size());
    if (changes.empty() || exhausted() || !draft_->attempt(changes, 0)) {
        return;
    }
    const RoundModel::Estimate least = bound(*draft_);
    if (better(value(*draft_, least.round, least.unevenness), best_)) {
        const std::int64_t before = model_->work();
        const Value then =
            value(*draft_, model_->simulate_round(least, kMostSimulatedSteps), least.unevenness);
        work_ += model_->work() - before;
        if (better(then, best_)) {
            best_ = then;
            best_changes_ = std::move(changes);
        }
    }
    draft_->undo();
}

bool RoundSearch::make_best() {
    if (best_changes_.empty()) {
        return false;
    }
    draft_->attempt(best_changes_, 0);
    best_changes_.clear();
    now_ = value(*draft_);
    best_ = now_;
    return true;
}

/// Returns moves of all units of a layer from one device to another. Units whose previous device is
/// the target come first.
std::vector<Relocation> RoundSearch::units(
    Unit unit, std::size_t layer, std::size_t from, std::size_t to
) {
    std::vector<Relocation> changes;
    std::vector<Relocation> others;
    for (std::int32_t i = 0; i < count_of(*problem_->blocks, unit); ++i) {
        const BlockId b = unit_of(*problem_->blocks, unit, layer, i);
        if (draft_->ledger().where(b).index() == from) {
            const bool home = draft_->moves().previous_device(b) == DeviceId(to);
            (home ? changes : others).push_back({b, DeviceId(to)});
        }
    }
    changes.insert(changes.end(), others.begin(), others.end());
    return changes;
}

bool RoundSearch::holds(std::size_t layer, std::size_t d) const {
    if (draft_->proj(layer) == d || draft_->ffn(layer) == d) {
        return true;
    }
    const std::span<const Unit> kinds = units_of(*problem_->blocks);
    return std::ranges::any_of(kinds, [&](Unit unit) {
        return draft_->units_on(unit, layer, d) > 0;
    });
}

/// Considers moving the blocks of a layer, or a part of them, from one device to another.
void RoundSearch::offer_parts(std::size_t layer, std::size_t from, std::size_t to) {
    const DeviceId target(to);
    std::vector<Relocation> all;
    for (const Unit unit : units_of(*problem_->blocks)) {
        const auto n = static_cast<std::size_t>(draft_->units_on(unit, layer, from));
        if (n == 0) {
            continue;
        }
        const std::vector<Relocation> whole = units(unit, layer, from, to);
        consider({whole.begin(), whole.begin() + 1});
        if (n > 3) {
            consider({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>((n + 1) / 2)});
        }
        if (n > 1) {
            consider(whole);
        }
        all.insert(all.end(), whole.begin(), whole.end());
    }
    const BlockId proj = reduction_block_of(*problem_->blocks, layer);
    const BlockId ffn = activation_block_of(*problem_->blocks, layer);
    if (draft_->proj(layer) == from) {
        consider({{proj, target}});
        all.push_back({proj, target});
    }
    if (draft_->ffn(layer) == from && proj != ffn) {
        consider({{ffn, target}});
        all.push_back({ffn, target});
    }
    if (all.size() > 1) {
        consider(std::move(all));
    }
}

bool RoundSearch::relieve(std::size_t d) {
    for (std::size_t l = 0; l < draft_->layers(); ++l) {
        for (std::size_t to = 0; to < draft_->devices() && holds(l, d); ++to) {
            if (to != d) {
                offer_parts(l, d, to);
            }
        }
    }
    if (problem_->blocks->shape().has_ends && !problem_->ends_at_source) {
        for (std::size_t to = 0; to < draft_->devices(); ++to) {
            if (draft_->lm_head() == d && to != d) {
                consider({{problem_->blocks->lm_head(), DeviceId(to)}});
            }
        }
    }
    return make_best();
}

/// Considers moves that remove hops within layers and between them.
bool RoundSearch::shorten() {
    for (std::size_t l = 0; l < draft_->layers(); ++l) {
        const std::size_t next = l + 1 < draft_->layers() ? draft_->proj(l + 1) : draft_->ffn(l);
        for (std::size_t from = 0; from < draft_->devices(); ++from) {
            if (!holds(l, from)) {
                continue;
            }
            for (const std::size_t to :
                 {draft_->activation_device(l), draft_->proj(l), draft_->ffn(l), next}) {
                if (to != from) {
                    offer_parts(l, from, to);
                }
            }
        }
    }
    return make_best();
}

/// Considers moving all blocks of one device to another, and exchanging the blocks of two devices.
bool RoundSearch::exchange() {
    for (std::size_t a = 0; a < draft_->devices(); ++a) {
        for (std::size_t b = 0; b < draft_->devices() && !exhausted(); ++b) {
            std::vector<Relocation> over;
            std::vector<Relocation> swap;
            for (std::size_t i = 0; i < draft_->placement().size(); ++i) {
                const std::size_t at = draft_->placement()[i].index();
                if (at == a && a != b) {
                    over.push_back({BlockId(i), DeviceId(b)});
                    swap.push_back(over.back());
                } else if (at == b && a < b) {
                    swap.push_back({BlockId(i), DeviceId(a)});
                }
            }
            if (a < b) {
                consider(std::move(swap));
            }
            consider(std::move(over));
        }
    }
    return make_best();
}

double RoundSearch::objective(const Draft& placement) {
    const Draft draft(placement, model_->step());
    return value(draft).objective;
}

/// Relieves the first device that can be relieved, the busiest first.
bool RoundSearch::relieve_any() {
    std::vector<std::pair<double, std::size_t>> order;
    for (std::size_t d = 0; d < draft_->devices(); ++d) {
        order.emplace_back(-busy_[d], d);
    }
    std::sort(order.begin(), order.end());
    return std::ranges::any_of(order, [&](const auto& device) {
        return !exhausted() && relieve(device.second);
    });
}

bool RoundSearch::improve() {
    using Limit = RoundModel::Limit;
    const RoundModel::Estimate limit = limit_of_;
    busy_.clear();
    for (std::size_t d = 0; d < draft_->devices(); ++d) {
        busy_.push_back(model_->busy(d));
    }
    if (limit.limit == Limit::step ? shorten() : relieve(limit.device)) {
        return true;
    }
    if (limit.limit == Limit::link && relieve(limit.other)) {
        return true;
    }
    if (limit.limit != Limit::step && shorten()) {
        return true;
    }
    return relieve_any() || (draft_->devices() <= kFewDevicesForExchanges && exchange());
}

RoundSearch::Found RoundSearch::descend_from(const Placement& placement) {
    Draft draft(*problem_, model_->step(), placement);
    draft_ = &draft;
    now_ = value(draft);
    best_ = now_;
    best_changes_.clear();
    while (!exhausted() && improve()) {
    }
    draft_ = nullptr;
    return {draft.placement(), now_.objective};
}

} // namespace headroom::scheduler
