#include "tests/scheduler/instances/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include <fmt/format.h>

#include "base/check.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "tests/scheduler/instances/instances.hpp"

namespace headroom::scheduler::testing {

std::vector<Answer> answers(PolicyKind kind, const InstanceSeries& series) {
    const std::unique_ptr<Policy> policy = make_policy(kind);
    std::vector<Answer> all;
    for (std::uint64_t k = 0; k < series.count; ++k) {
        const std::uint64_t seed = series.first_seed + k;
        const Instance instance = planted_instance(cell_at(seed), seed, series.profile);
        const Decision decision = policy->decide(instance.problem);
        Answer answer{seed, decision.feasible, true, 0.0};
        if (decision.feasible) {
            answer.accepted = validate(instance.problem, decision.placement).ok();
            answer.objective = objective(instance.problem, decision.placement);
        }
        all.push_back(answer);
    }
    return all;
}

Comparison compare(const std::vector<Answer>& ours, const std::vector<Answer>& theirs) {
    HEADROOM_CHECK(ours.size() == theirs.size(), "{} and {}", ours.size(), theirs.size());
    Comparison result;
    double logarithms = 0.0;
    for (std::size_t i = 0; i < ours.size(); ++i) {
        HEADROOM_CHECK(ours[i].seed == theirs[i].seed, "different instances");
        result.rejected += (ours[i].accepted ? 0 : 1) + (theirs[i].accepted ? 0 : 1);
        if (!ours[i].feasible || !theirs[i].feasible) {
            result.ours_infeasible += theirs[i].feasible ? 1 : 0;
            result.theirs_infeasible += ours[i].feasible ? 1 : 0;
            continue;
        }
        const double ratio = ours[i].objective / theirs[i].objective;
        logarithms += std::log(ratio);
        if (result.number == 0 || ratio > result.worst) {
            result.worst = ratio;
            result.worst_seed = ours[i].seed;
        }
        result.best = result.number == 0 ? ratio : std::min(result.best, ratio);
        ++result.number;
    }
    result.geometric_mean = result.number > 0 ? std::exp(logarithms / result.number) : 1.0;
    return result;
}

std::string complaint(const Comparison& comparison) {
    constexpr double kMaxRatio = 1.05;
    std::string text;
    if (!(comparison.geometric_mean < 1.0)) {
        text += fmt::format("geometric mean {:.4f}; ", comparison.geometric_mean);
    }
    if (!(comparison.worst <= kMaxRatio)) {
        text += fmt::format("{:.4f} at seed {}; ", comparison.worst, comparison.worst_seed);
    }
    if (comparison.ours_infeasible > 0) {
        text += fmt::format("{} infeasible answers; ", comparison.ours_infeasible);
    }
    if (comparison.rejected > 0) {
        text += fmt::format("{} placements refused; ", comparison.rejected);
    }
    return text;
}

} // namespace headroom::scheduler::testing
