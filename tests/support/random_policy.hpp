// A policy for tests that moves random blocks to random devices at every decision, as long as the
// result fits. Results that do not change under this policy do not depend on the placement.
#pragma once

#include "base/random.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/policies/policy.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::support {

class RandomPolicy final : public scheduler::Policy {
  public:
    /// percent: how many of all blocks move at a decision, on average.
    explicit RandomPolicy(std::uint64_t seed, std::uint64_t percent = 30)
        : seed_(seed), percent_(percent) {}
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
                if (problem.is_pinned(BlockId(b))) {
                    placement[b] = problem.source;
                } else if (!problem.previous || random.below(100) < percent_) {
                    placement[b] = DeviceId(static_cast<std::int32_t>(random.below(devices)));
                }
            }
            if (scheduler::validate(problem, placement).ok()) {
                const auto limit = static_cast<std::uint64_t>(problem.in_flight());
                const std::int64_t batch = problem.batch > 0
                                               ? problem.batch
                                               : 1 + static_cast<std::int64_t>(random.below(limit));
                return scheduler::evaluate(problem, std::move(placement), batch);
            }
        }
        scheduler::Decision none;
        none.why.notes = {"no luck"};
        return none;
    }

  private:
    std::uint64_t seed_;
    std::uint64_t percent_;
};

} // namespace headroom::support
