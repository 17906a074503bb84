#include "scheduler/cost/incumbent.hpp"

namespace headroom::scheduler {

Incumbent::Incumbent(const Problem& problem, const StepDelay& step, const Placement& placement)
    : problem_(&problem), step_(&step), ledger_(problem, placement), moves_(problem, placement),
      first_activation_device_(step.source()) {
    const auto layers = static_cast<std::size_t>(problem.blocks->shape().layers);
    group_counts_.assign(layers * step.devices(), 0);
    slice_counts_.assign(step.sliced() ? layers * step.devices() : 0, 0);
    proj_.assign(layers, 0);
    ffn_.assign(layers, 0);
    times_.assign(layers, {});
    touched_.assign(layers, false);
    for (std::size_t b = 0; b < placement.size(); ++b) {
        track(BlockId(b), DeviceId(), placement[b]);
    }
    for (std::size_t l = 0; l < layers; ++l) {
        touch(l);
    }
    evaluate_touched_layers();
}

Incumbent::Incumbent(const Incumbent& other, const StepDelay& step) : Incumbent(other) {
    step_ = &step;
    undo_times_.clear();
    for (std::size_t l = 0; l < layers(); ++l) {
        touch(l);
    }
    evaluate_touched_layers();
}

void Incumbent::touch(std::size_t layer) {
    if (layer < times_.size() && !touched_[layer]) {
        touched_[layer] = true;
        undo_times_.push_back({layer, times_[layer]});
    }
}

/// Updates the counts and hosts for a block that moves, and marks the layers whose times change.
void Incumbent::track(BlockId b, DeviceId from, DeviceId to) {
    const BlockName& name = problem_->blocks->name(b);
    const auto layer = static_cast<std::size_t>(name.layer);
    switch (name.kind) {
    case BlockKind::embed:
        first_activation_device_ = to.index();
        touch(0);
        break;
    case BlockKind::group:
    case BlockKind::slice: {
        auto& counts = name.kind == BlockKind::group ? group_counts_ : slice_counts_;
        if (from.valid()) {
            --counts[layer * devices() + from.index()];
        }
        ++counts[layer * devices() + to.index()];
        touch(layer);
        break;
    }
    case BlockKind::proj:
        proj_[layer] = to.index();
        touch(layer);
        break;
    case BlockKind::hub: // takes the place of proj and of ffn
        proj_[layer] = to.index();
        [[fallthrough]];
    case BlockKind::ffn:
        ffn_[layer] = to.index();
        touch(layer);
        touch(layer + 1);
        break;
    case BlockKind::lm_head:
        lm_head_ = to.index();
        break;
    }
}

/// Times the touched layers again and updates the sums and the score.
void Incumbent::evaluate_touched_layers() {
    for (const OldTime& old : undo_times_) {
        const std::size_t l = old.layer;
        times_[l] = step_->layer_parts(l, activation_device(l), shape(l));
        layers_time_ += times_[l].whole - old.time.whole;
        touched_[l] = false;
    }
    evaluations_ += undo_times_.empty() ? 1 : static_cast<std::int64_t>(undo_times_.size());
    inference_ = step_->start(first_activation_device_) + layers_time_ +
                 step_->finish(ffn_.back(), lm_head_);
    score_.shortage = ledger_.shortage();
    score_.tie_break = moves_.sum();
    score_.migration = moves_.total();
    score_.objective = Int128{score_.migration} + Int128{problem_->steps()} * Int128{inference_};
}

bool Incumbent::attempt(std::span<const Relocation> changes, Bytes max_shortage) {
    applied_.clear();
    for (const Relocation& change : changes) {
        const DeviceId from = ledger_.where(change.block);
        if (from != change.to && !problem_->is_pinned(change.block)) {
            applied_.push_back({change.block, from, change.to});
            ledger_.place(change.block, change.to);
        }
    }
    if (ledger_.shortage() > max_shortage) {
        for (auto it = applied_.rbegin(); it != applied_.rend(); ++it) {
            ledger_.place(it->block, it->from);
        }
        applied_.clear();
        ++evaluations_;
        return false;
    }
    undo_times_.clear();
    old_slowest_lane_ = moves_.slowest_lane();
    old_inference_ = inference_;
    old_score_ = score_;
    for (const AppliedMove& move : applied_) {
        track(move.block, move.from, move.to);
        moves_.set(move.block, move.to);
    }
    evaluate_touched_layers();
    return true;
}

void Incumbent::undo() {
    restored_.swap(undo_times_); // track() below adds to undo_times_
    for (auto it = applied_.rbegin(); it != applied_.rend(); ++it) {
        track(it->block, it->to, it->from);
        ledger_.place(it->block, it->from);
        moves_.set(it->block, it->from);
    }
    applied_.clear();
    undo_times_.clear();
    for (const OldTime& old : restored_) {
        layers_time_ += old.time.whole - times_[old.layer].whole;
        times_[old.layer] = old.time;
        touched_[old.layer] = false;
    }
    moves_.restore_slowest_lane(old_slowest_lane_);
    inference_ = old_inference_;
    score_ = old_score_;
}

} // namespace headroom::scheduler
