// Policies `edgeshard` and `edgeshard_throughput`: contiguous layers by dynamic programming, for
// the latency of one sequence or for the slowest stage of a full pipeline. Source: arXiv 2405.14371
// as recorded in docs/explanation/baselines.md#edgeshard. Static after profiling: a previous
// placement is kept.
//
// From the paper: shards are contiguous, the first is on the source, the result returns there, and
// every device is used once and within its memory. Left open there and chosen here: embed and
// lm_head are with the source, like its first layers (lm_head counts in its stage); times include
// link latencies, stages do not, because latency keeps nothing busy; of equally slow pipelines the
// one with the least latency. shard_chain.hpp says how used devices and their memory are carried
// through the programme and when the answer is exact; layer_costs.hpp which devices are looked at
// in a fleet of more than 32.
#pragma once

#include "scheduler/policies/policy.hpp"

namespace headroom::scheduler {

class EdgeShard final : public Policy {
  public:
    enum class Form : std::uint8_t { latency, throughput };
    explicit EdgeShard(Form form) : form_(form) {}
    [[nodiscard]] std::string_view name() const override {
        return form_ == Form::latency ? "edgeshard" : "edgeshard_throughput";
    }
    [[nodiscard]] Decision decide(const Problem& problem) const override;

  private:
    Form form_;
};

} // namespace headroom::scheduler
