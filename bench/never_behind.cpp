// Holds policy resource_aware against all other policies on problems of catalogue devices
// (docs/explanation/instances.md#fleets-of-the-catalogue). Prints a line per problem on which it is
// behind; with --show also the scenario and the answer of each policy. The exit code is 1 if it is
// behind on any.
#include "tests/support/never_behind.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "bench/arguments.hpp"
#include "bench/parallel.hpp"
#include "scheduler/policies/registry.hpp"
#include "tests/support/catalogue_problem.hpp"

namespace headroom::bench {
namespace {

constexpr std::string_view kUsage =
    "usage: never_behind [--count N] [--seed FIRST] [--policy P] [--jobs J] [--show]\n"
    "  N problems (500) with the seeds FIRST (0) and up. P: the policy that is held against all\n"
    "  others (resource_aware). --show: prints each problem with its scenario and all answers, "
    "for\n"
    "  which one wants --count 1.\n";

struct Finding {
    std::string description;
    std::string complaint;
    std::string best;     ///< the policy with the lowest objective of the others
    std::string scenario; ///< with --show
    std::string table;    ///< with --show
    double ratio = 1;
    bool anybody = false; ///< whether any policy has a placement
};

Finding find(std::uint64_t seed, const scheduler::Policy& policy, bool show) {
    const support::CatalogueProblem made = support::catalogue_problem(seed);
    const support::Comparison comparison = support::compare_with_all(policy, made.problem);
    Finding finding;
    finding.description = support::description(made);
    finding.complaint = support::complaint(comparison);
    finding.best = comparison.best() == nullptr ? "" : comparison.best()->name;
    finding.ratio = comparison.ratio();
    finding.anybody = comparison.ours.feasible || comparison.best() != nullptr;
    if (show) {
        finding.scenario = made.text;
        finding.table = support::table(comparison);
    }
    return finding;
}

void print(const Finding& finding) {
    if (!finding.scenario.empty()) {
        fmt::print("{}\n{}", finding.scenario, finding.table);
    }
    if (!finding.complaint.empty() || !finding.scenario.empty()) {
        fmt::print(
            "{}: {}\n",
            finding.description,
            finding.complaint.empty() ? "not behind" : finding.complaint
        );
    }
}

int compare_all(int argc, char** argv) {
    const Arguments arguments(argc, argv, {"--count", "--seed", "--policy", "--jobs"}, {"--show"});
    const std::string_view name = arguments.text("--policy", "resource_aware");
    const auto kind = scheduler::policy_named(name);
    if (!kind) {
        throw BadArgument(fmt::format("--policy {}: no such policy", name));
    }
    const auto policy = scheduler::make_policy(*kind);
    const auto count = static_cast<std::size_t>(arguments.number("--count", 500, 1));
    const auto first = static_cast<std::uint64_t>(arguments.number("--seed", 0));
    std::vector<Finding> findings(count);
    const auto jobs = static_cast<std::size_t>(arguments.number("--jobs", hardware_jobs(), 1));
    const auto work = [&](std::size_t i) {
        findings[i] = find(first + i, *policy, arguments.has("--show"));
    };
    parallel_for(count, jobs, work, [](std::size_t) {});
    std::map<std::string, int> leaders;
    double worst = 1;
    int behind = 0;
    int nobody = 0;
    for (const Finding& finding : findings) {
        print(finding);
        nobody += finding.anybody ? 0 : 1;
        if (!finding.complaint.empty()) {
            ++behind;
            ++leaders[finding.best];
            worst = std::max(worst, finding.ratio);
        }
    }
    fmt::print(
        "{} is behind on {} of {} problems, worst {:.4f}; on {} no policy has a placement\n",
        name,
        behind,
        count,
        worst,
        nobody
    );
    for (const auto& [leader, number] : leaders) {
        fmt::print("  {:>4} times {} is best\n", number, leader);
    }
    return behind > 0 ? 1 : 0;
}

} // namespace
} // namespace headroom::bench

int main(int argc, char** argv) {
    return headroom::bench::run_program(
        argc, argv, headroom::bench::kUsage, headroom::bench::compare_all
    );
}
