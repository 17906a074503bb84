// StepDelay under cost profile `paper`: D_T of systems.md §1, tabulated. Searches compare by these
// rounded times; decisions by paper_delay_s itself.
#include <algorithm>
#include <cmath>

#include "scheduler/policies/block_cost.hpp"
#include "scheduler/policies/step_delay.hpp"

namespace headroom::scheduler {
namespace {

Nanoseconds rounded(std::int64_t work, PerSecond rate) {
    if (work == 0 || rate == kUnlimited) {
        return 0;
    }
    const double ns = static_cast<double>(work) / static_cast<double>(rate) * 1e9;
    return rate > 0 && ns < static_cast<double>(kStall) ? std::llround(ns) : kStall;
}

} // namespace

void StepDelay::tabulate_formula(const Problem& problem) {
    const BlockCost group = cost_of(problem, blocks_->group(0, 0));
    const BlockCost proj = cost_of(problem, blocks_->proj(0));
    const BlockCost ffn = cost_of(problem, blocks_->ffn(0));
    for (std::int32_t l = 0; l < blocks_->shape().layers; ++l) {
        for (const Snapshot::Device& device : snapshot_.devices) {
            group_.push_back(rounded(group.compute, device.compute));
            proj_.push_back(rounded(proj.compute, device.compute));
            ffn_.push_back(rounded(ffn.compute, device.compute));
        }
    }
    x_alone_.assign(devices_ * devices_, 0); // only execution hands x to the groups
    latency_.assign(devices_ * devices_, 0);
    for (std::size_t from = 0; from < devices_; ++from) {
        for (std::size_t to = 0; to < devices_; ++to) {
            const PerSecond bandwidth = snapshot_.links[pair(from, to)].bandwidth;
            to_ffn_.push_back(from == to ? 0 : rounded(proj.output, bandwidth));
            for (std::int32_t n = 0; n <= groups_; ++n) {
                outputs_.push_back(from == to ? 0 : rounded(n * group.output, bandwidth));
            }
        }
    }
}

/// max_j Σ c_i/C_j + Σ (or max) over j ≠ p of what j's heads send to p.
Nanoseconds StepDelay::gather_by_formula(std::size_t layer, const LayerShape& shape) const {
    const auto stride = static_cast<std::size_t>(groups_) + 1;
    const Nanoseconds* group = &group_[layer * devices_];
    Nanoseconds slowest = 0;
    Nanoseconds sum = 0;
    Nanoseconds most = 0;
    for (std::size_t j = 0; j < devices_; ++j) {
        const std::int32_t n = shape.groups[j];
        if (n > 0) {
            slowest = std::max(slowest, n * group[j]);
            const Nanoseconds sent =
                outputs_[pair(j, shape.proj) * stride + static_cast<std::size_t>(n)];
            sum += sent;
            most = std::max(most, sent);
        }
    }
    return slowest + (rule_ == Rule::formula_sum ? sum : most);
}

} // namespace headroom::scheduler
