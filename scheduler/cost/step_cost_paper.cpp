// StepDelay under cost profile `paper`: D_T of
// docs/explanation/head-level-partitioning.md#inference-delay-of-one-layer, rounded to nanoseconds
// for searches. Decisions are compared by paper_delay_s, which is not rounded.
#include <algorithm>
#include <cmath>

#include "scheduler/cost/block_cost.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

Nanoseconds formula_time(std::int64_t work, PerSecond rate) {
    if (work == 0 || rate == kUnlimited) {
        return 0;
    }
    const double ns = static_cast<double>(work) / static_cast<double>(rate) * 1e9;
    return rate > 0 && ns < static_cast<double>(kStall) ? std::llround(ns) : kStall;
}

void StepDelay::time_formula(const Problem& problem) {
    overhead_.assign(devices_, 0);
    const BlockCost group = cost_of(problem, blocks_->group(0, 0));
    const BlockCost proj = cost_of(problem, blocks_->proj(0));
    const BlockCost ffn = cost_of(problem, blocks_->ffn(0));
    for (std::int32_t l = 0; l < blocks_->shape().layers; ++l) {
        for (const Snapshot::Device& device : snapshot_->devices) {
            group_.push_back(formula_time(group.compute, device.compute));
            proj_.push_back(formula_time(proj.compute, device.compute));
            ffn_.push_back(formula_time(ffn.compute, device.compute));
        }
    }
    x_bytes_ = proj.output;
    group_bytes_ = group.output;
}

/// Returns max_j Σ c_i/C_j plus the sum (or maximum) over j ≠ p of the transfer times from j to p.
Nanoseconds StepDelay::gather_by_formula(std::size_t layer, const LayerShape& shape) const {
    const Nanoseconds* group = &group_[layer * devices_];
    Nanoseconds slowest = 0;
    Nanoseconds sum = 0;
    Nanoseconds most = 0;
    for (std::size_t j = 0; j < devices_; ++j) {
        const std::int32_t n = shape.groups[j];
        if (n > 0) {
            slowest = std::max(slowest, n * group[j]);
            const Nanoseconds sent = outputs_time(j, shape.proj, n);
            sum += sent;
            most = std::max(most, sent);
        }
    }
    return slowest + (rule_ == Rule::formula_sum ? sum : most);
}

} // namespace headroom::scheduler
