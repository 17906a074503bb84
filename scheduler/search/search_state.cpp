#include "scheduler/search/search_state.hpp"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

namespace headroom::scheduler {

SearchState::SearchState(const Problem& problem, CostModel& model, const SearchSettings& settings)
    : problem_(&problem), model_(&model), settings_(&settings), spreads_(problem, model.step()),
      layers_(static_cast<std::size_t>(problem.blocks->shape().layers)),
      limit_(settings.evaluations), changed_(layers_, 0) {
    failed_.fill(std::vector<std::int64_t>(layers_, -1));
}

void SearchState::note_changed(std::span<const Relocation> changes) {
    ++time_;
    for (const Relocation& change : changes) {
        const std::int32_t layer = blocks().name(change.block).layer;
        if (layer >= 0) {
            changed_[static_cast<std::size_t>(layer)] = time_;
        }
    }
}

bool SearchState::has_changed_since(std::size_t layer, std::int64_t time) const {
    return changed_[layer] > time || (layer > 0 && changed_[layer - 1] > time) ||
           (layer + 1 < layers_ && changed_[layer + 1] > time);
}

bool SearchState::forget_failed_sweeps() {
    for (std::vector<std::int64_t>& failed : failed_) {
        std::ranges::fill(failed, -1);
    }
    return std::exchange(left_out_, false);
}

void SearchState::score_incumbent(std::int64_t evaluations_before, const Score* rival) {
    score_ = model_->score(*incumbent_, rival);
    spent_ += incumbent_->evaluations() - evaluations_before + model_->take_work();
}

void SearchState::record() {
    if (score_.shortage > 0) {
        return;
    }
    if (incumbent_->moves().moved() > 0 &&
        (!runner_up_ || score_.objective < runner_up_->objective)) {
        runner_up_ = {score_.objective, {incumbent_->inference(), incumbent_->migration()}};
    }
    // Of equal scores the smaller ids win, so that the result depends less on the order of moves.
    const Placement& placement = incumbent_->placement();
    if (!best_ || std::tie(score_.objective, score_.tie_break, placement) <
                      std::tie(best_->objective, best_->tie_break, best_->placement)) {
        best_ = {placement, score_.objective, score_.tie_break};
    }
}

bool SearchState::attempt(std::span<const Relocation> changes, const Score& rival) {
    throw_if_stopped(problem_->stop);
    ++tried_;
    spent_ += static_cast<std::int64_t>(changes.size()) / settings_->changes_per_evaluation;
    const std::int64_t evaluations = incumbent_->evaluations();
    if (!incumbent_->attempt(changes, score_.shortage)) {
        spent_ += incumbent_->evaluations() - evaluations;
        return false;
    }
    score_incumbent(evaluations, &rival);
    return true;
}

void SearchState::undo(const Score& before) {
    incumbent_->undo();
    score_ = before;
}

bool SearchState::consider(std::span<const Relocation> changes) {
    const Score before = score_;
    if (!attempt(changes, before)) {
        return false;
    }
    if (records_each_) {
        record();
    }
    const auto key = [this](const Score& score) {
        return std::tuple(score.shortage, objective_of(score), score.tie_break);
    };
    if (key(score_) < key(before)) {
        ++kept_;
        note_changed(changes);
        return true;
    }
    undo(before);
    return false;
}

std::optional<Score> SearchState::probe(std::span<const Relocation> changes, const Score& rival) {
    const Score before = score_;
    if (!attempt(changes, rival)) {
        return std::nullopt;
    }
    const Score after = score_;
    undo(before);
    return is_better(after, rival) ? std::optional(after) : std::nullopt;
}

void SearchState::change(std::span<const Relocation> changes) {
    const std::int64_t evaluations = incumbent_->evaluations();
    incumbent_->attempt(changes);
    note_changed(changes);
    score_incumbent(evaluations, nullptr);
}

void SearchState::go_to(const Placement& placement) {
    if (!incumbent_) {
        incumbent_.emplace(*problem_, step(), placement);
        score_incumbent(0, nullptr);
        return;
    }
    std::vector<Relocation> changes;
    for (std::size_t i = 0; i < placement.size(); ++i) {
        if (incumbent_->placement()[i] != placement[i]) {
            changes.push_back({BlockId(i), placement[i]});
        }
    }
    change(changes);
}

} // namespace headroom::scheduler
