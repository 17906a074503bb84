#include "scheduler/policies/other_answers.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "scheduler/policies/baselines/dynamic_layer.hpp"
#include "scheduler/policies/baselines/edgeshard.hpp"
#include "scheduler/policies/baselines/galaxy.hpp"
#include "scheduler/policies/baselines/mdi_ring.hpp"
#include "scheduler/policies/baselines/ring.hpp"
#include "scheduler/policies/baselines/simple.hpp"
#include "scheduler/policies/paper.hpp"

namespace headroom::scheduler {
namespace {

/// The largest problem whose other answers are computed, in devices² × layers, by which the time of
/// dynamic_layer and edgeshard grows.
constexpr std::int64_t kMaxSize = 12'000;
/// The largest one, in blocks × sequences, if the objective is that of rounds.
constexpr std::int64_t kMaxRoundSize = 200'000;

using Decide = Decision (*)(const Problem&);
constexpr Decide kDynamic[] = {
    decide_greedy, decide_round_robin, decide_paper, decide_dynamic_layer};
constexpr Decide kOnce[] = {
    decide_edgeshard, decide_edgeshard_throughput, decide_ring, decide_mdi_ring, decide_galaxy};

bool is_affordable(const Problem& problem) {
    const auto devices = static_cast<std::int64_t>(problem.snapshot.size());
    const auto blocks = static_cast<std::int64_t>(problem.blocks->size());
    return devices <= kMaxSize && devices * devices * problem.blocks->shape().layers <= kMaxSize &&
           (!problem.counts_rounds() || blocks * problem.in_flight() <= kMaxRoundSize);
}

} // namespace

std::vector<Placement> other_answers(const Problem& problem) {
    std::vector<Placement> placements;
    if (!is_affordable(problem)) {
        return placements;
    }
    const auto add = [&](Decide decide) {
        Decision decision = decide(problem);
        if (decision.feasible &&
            std::ranges::find(placements, decision.placement) == placements.end()) {
            placements.push_back(std::move(decision.placement));
        }
    };
    std::ranges::for_each(kDynamic, add);
    if (!problem.previous) {
        std::ranges::for_each(kOnce, add);
    }
    return placements;
}

} // namespace headroom::scheduler
