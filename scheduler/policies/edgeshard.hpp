// Policies `edgeshard` and `edgeshard_throughput`: contiguous layers by dynamic programming, for
// the latency of one sequence or for the slowest stage (arXiv 2405.14371; systems.md §2).
#pragma once

#include "scheduler/policy.hpp"

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
