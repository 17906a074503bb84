// A policy for tests that never does anything sensible: at every decision it sends random blocks to
// random devices, as long as the result fits. If numbers survive this, they survive any policy.
#pragma once

#include "base/random.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/policies/policy.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::support {

class RandomPolicy final : public scheduler::Policy {
  public:
    /// part: of all blocks that move per decision, in percent.
    explicit RandomPolicy(std::uint64_t seed, std::uint64_t part = 30) : seed_(seed), part_(part) {}
    [[nodiscard]] std::string_view name() const override { return "random"; }

    [[nodiscard]] scheduler::Decision decide(const scheduler::Problem& problem) const override {
        const std::size_t blocks = problem.blocks->size();
        const auto devices = static_cast<std::uint64_t>(problem.snapshot.size());
        Random random(
            stream_seed(seed_, "random policy", static_cast<std::uint64_t>(problem.context))
        );
        for (int attempt = 0; attempt < 1000; ++attempt) {
            scheduler::Placement placement =
                problem.previous.value_or(scheduler::Placement(blocks, DeviceId(0)));
            for (std::size_t b = 0; b < blocks; ++b) {
                if (problem.pinned(BlockId(b))) {
                    placement[b] = problem.source;
                } else if (!problem.previous || random.below(100) < part_) {
                    placement[b] = DeviceId(static_cast<std::int32_t>(random.below(devices)));
                }
            }
            if (scheduler::validate(problem, placement).ok()) {
                const auto most = static_cast<std::uint64_t>(problem.in_flight());
                const std::int64_t batch = problem.batch > 0
                                               ? problem.batch
                                               : 1 + static_cast<std::int64_t>(random.below(most));
                return scheduler::evaluate(problem, std::move(placement), "random", batch);
            }
        }
        scheduler::Decision none;
        none.reason = "no luck";
        return none;
    }

  private:
    std::uint64_t seed_;
    std::uint64_t part_;
};

} // namespace headroom::support
