// What each neighbourhood of a search did, for measurements (bench/ablation), and which are left
// out.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string_view>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

struct NeighborhoodStatistics {
    std::int64_t calls = 0;
    std::int64_t tried = 0; ///< changes of the incumbent
    std::int64_t kept = 0;  ///< those that improved it
    double gain = 0;        ///< the sum of relative improvements of the objective
    std::int64_t work = 0;  ///< evaluated layers
};

/// Parts of a search beside the neighbourhoods that can be left out.
inline constexpr std::string_view kOtherAnswers = "other_answers";
inline constexpr std::string_view kRelaxation = "relaxation";
inline constexpr std::string_view kPerturbation = "perturbation";

/// Takes part in the searches of a decision.
struct SearchObserver {
    std::set<std::string_view> left_out; ///< the names of neighbourhoods and parts not to be tried
    std::map<std::string_view, NeighborhoodStatistics>* statistics = nullptr; ///< by name; or null
};

} // namespace headroom::scheduler
