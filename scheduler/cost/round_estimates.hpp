// What rounds would take with each number of joined turns, estimated by round_model: models that
// many placements of one problem share.
#pragma once

#include <cstdint>
#include <vector>

#include "scheduler/core/problem.hpp"
#include "scheduler/cost/round_cost.hpp"

namespace headroom::scheduler {

struct Guess {
    double round = 0; ///< ns, estimated (round_cost.hpp)
    std::int64_t batch = 1;
};

class RoundGuesses {
  public:
    /// One model per batch; `batches` ascending. Tables grow with the square of the devices.
    RoundGuesses(const Problem& problem, const std::vector<std::int64_t>& batches);
    RoundGuesses(const RoundGuesses&) = delete;
    RoundGuesses& operator=(const RoundGuesses&) = delete;

    /// The shortest round first, of equals the smallest batch.
    [[nodiscard]] std::vector<Guess> of(const Placement& placement);
    [[nodiscard]] std::vector<RoundModel>& models() { return models_; }

  private:
    Problem problem_; ///< without a previous placement: rounds have nothing to do with it
    RoundModel alone_;
    std::vector<RoundModel> models_;
};

} // namespace headroom::scheduler
