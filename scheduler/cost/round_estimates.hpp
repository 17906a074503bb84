// Estimates the time of a round (one decode step of every sequence in flight) for several batch
// sizes. There is one RoundModel (round_cost.hpp) per size, built once for many placements.
#pragma once

#include <cstdint>
#include <vector>

#include "scheduler/core/problem.hpp"
#include "scheduler/cost/round_cost.hpp"

namespace headroom::scheduler {

struct RoundEstimate {
    double round = 0;       ///< the estimated time of a round, ns
    std::int64_t batch = 1; ///< the number of sequences per batch
};

class RoundEstimates {
  public:
    /// Builds one model per entry of `batches`, which must be ascending. Memory grows with the
    /// square of the number of devices.
    RoundEstimates(const Problem& problem, const std::vector<std::int64_t>& batches);
    RoundEstimates(const RoundEstimates&) = delete;
    RoundEstimates& operator=(const RoundEstimates&) = delete;

    /// Returns one estimate per batch size, the shortest round first. Among equal rounds the
    /// smaller batch comes first.
    [[nodiscard]] std::vector<RoundEstimate> of(const Placement& placement);
    [[nodiscard]] std::vector<RoundModel>& models() { return models_; }

  private:
    /// A copy of the problem without its previous placement, because D_mig is not needed. Its cost
    /// profile is `physical`, by which all executions are timed.
    Problem problem_;
    RoundModel alone_;
    std::vector<RoundModel> models_;
};

} // namespace headroom::scheduler
