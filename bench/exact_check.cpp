// Compares policy `exact` with an enumeration of all placements
// (tests/scheduler/exact/enumeration.hpp) on small random instances. Prints a table with a row per
// class of instances. The exit code is 1 if there is any difference.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iterator>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "bench/arguments.hpp"
#include "bench/parallel.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "tests/scheduler/exact/enumeration.hpp"

namespace headroom::scheduler {
namespace {

using bench::Arguments;
using testing::EnumerationResult;
using testing::Instance;
using testing::SmallInstanceSpec;

constexpr std::string_view kUsage =
    "usage: exact_check [--count N] [--seed FIRST] [--most-placements M] [--node-limit L]\n"
    "                   [--policy P] [--jobs J]\n"
    "  N instances (500) with the seeds FIRST (0) and up: 2-4 heads, 1-3 layers, 2-5 devices, "
    "both\n"
    "  cost profiles, with and without a previous placement, at most M (20000000) placements "
    "each.\n"
    "  L: search nodes of exact (10000000). P: another policy to be held against the optimum.\n";

/// A class of instances; the table has one row per class.
struct Class {
    std::string kind;
    std::int32_t layers = 0;
    bool previous = false;
    auto operator<=>(const Class&) const = default;
};

struct Finding {
    std::uint64_t seed = 0;
    Class of;
    double placements = 0;
    bool proven = false;
    double difference = 0;
    std::string complaint; ///< how the results differ; empty if they are equal
};

SmallInstanceSpec spec_of(std::uint64_t seed, double max_placements) {
    constexpr SmallInstanceSpec kKinds[] = {
        {CostProfile::physical, Granularity::paper},
        {CostProfile::paper, Granularity::paper},
        {CostProfile::physical, Granularity::sliced},
    };
    SmallInstanceSpec kind = kKinds[seed % std::size(kKinds)];
    kind.max_placements = max_placements;
    return kind;
}

std::string name_of(const SmallInstanceSpec& kind) {
    return fmt::format(
        "{} {}",
        kind.profile == CostProfile::physical ? "physical" : "paper",
        scheduler::name_of(kind.granularity)
    );
}

/// Compares the enumeration's formulas with those of the scheduler on a sample of placements.
/// Returns how they differ, or "" if they agree.
std::string check_formulas(const Instance& instance, const EnumerationResult& enumerated) {
    std::vector<Placement> sample = {instance.planted};
    if (enumerated.feasible > 0) {
        sample.push_back(enumerated.placement);
    }
    for (std::uint64_t k = 0; k < 20; ++k) {
        sample.push_back(testing::random_placement_for(instance, k));
    }
    for (const Placement& placement : sample) {
        const testing::JudgedPlacement judged = testing::judge(instance.problem, placement);
        if (judged.fits != validate(instance.problem, placement).ok()) {
            return "the enumeration and validate disagree about what fits";
        }
        const double expected = objective(instance.problem, placement);
        if (judged.fits && std::abs(judged.objective - expected) > 1e-12 * expected) {
            return "the enumeration and scheduler::objective disagree about a placement's cost";
        }
    }
    return "";
}

Finding check(
    const Policy& policy, const SmallInstanceSpec& kind, std::uint64_t seed, std::int64_t nodes
) {
    Instance instance = testing::small_instance(kind, seed);
    Problem& problem = instance.problem;
    problem.node_limit = nodes;
    const EnumerationResult enumerated = testing::enumerate(problem);
    Finding finding;
    Decision decision;
    try {
        decision = policy.decide(problem);
    } catch (const std::exception& error) {
        finding.complaint = error.what();
    }
    finding.seed = seed;
    finding.of = {name_of(kind), problem.blocks->shape().layers, problem.previous.has_value()};
    finding.placements = testing::placement_count(problem);
    finding.proven = decision.proven;
    finding.difference = testing::difference(problem, decision, enumerated);
    if (finding.complaint.empty()) {
        finding.complaint = check_formulas(instance, enumerated);
    }
    if (finding.complaint.empty()) {
        finding.complaint = testing::complaint(problem, decision, enumerated);
    }
    return finding;
}

struct Row {
    int number = 0;
    int equal = 0;
    int proven = 0;
    double worst = 0;
    double placements = 0;
};

void print_table(const std::vector<Finding>& findings) {
    std::map<Class, Row> rows;
    for (const Finding& finding : findings) {
        Row& row = rows[finding.of];
        ++row.number;
        row.equal += finding.complaint.empty() ? 1 : 0;
        row.proven += finding.proven ? 1 : 0;
        row.worst = std::max(row.worst, finding.difference);
        row.placements += finding.placements;
    }
    fmt::print(
        "{:<18}{:>7}{:>10}{:>8}{:>7}{:>8}{:>20}{:>14}\n",
        "cost, granularity",
        "layers",
        "previous",
        "number",
        "equal",
        "proven",
        "worst difference",
        "placements"
    );
    for (const auto& [of, row] : rows) {
        fmt::print(
            "{:<18}{:>7}{:>10}{:>8}{:>7}{:>8}{:>20.2e}{:>14.3e}\n",
            of.kind,
            of.layers,
            of.previous ? "yes" : "no",
            row.number,
            row.equal,
            row.proven,
            row.worst,
            row.placements
        );
    }
}

/// Prints the table and the differences, and returns the exit code.
int report(const std::vector<Finding>& findings, double max_placements) {
    print_table(findings);
    int wrong = 0;
    for (const Finding& finding : findings) {
        if (!finding.complaint.empty() && ++wrong <= 10) {
            fmt::print(
                "seed {}: {} (again: exact_check --count 1 --seed {} --most-placements {:.0f})\n",
                finding.seed,
                finding.complaint,
                finding.seed,
                max_placements
            );
        }
    }
    int open = 0;
    for (const Finding& finding : findings) {
        open += finding.proven ? 0 : 1;
    }
    fmt::print("{} instances, {} not proven, {} differences\n", findings.size(), open, wrong);
    return wrong == 0 ? 0 : 1;
}

int run(int argc, char** argv) {
    const Arguments arguments(
        argc,
        argv,
        {"--count", "--seed", "--most-placements", "--node-limit", "--policy", "--jobs"},
        {}
    );
    const auto count = static_cast<std::size_t>(arguments.number("--count", 500, 1));
    const auto first = static_cast<std::uint64_t>(arguments.number("--seed", 0));
    const auto max_placements =
        static_cast<double>(arguments.number("--most-placements", 20'000'000, 16));
    const std::int64_t nodes = arguments.number("--node-limit", 10'000'000, 1);
    const auto jobs =
        static_cast<std::size_t>(arguments.number("--jobs", bench::hardware_jobs(), 1));
    const auto kind = policy_named(arguments.text("--policy", "exact"));
    if (!kind) {
        throw bench::BadArgument(
            fmt::format("--policy: no policy '{}'", arguments.text("--policy", ""))
        );
    }
    const auto policy = make_policy(*kind);
    std::vector<Finding> findings(count);
    bench::parallel_for(
        count,
        jobs,
        [&](std::size_t i) {
            findings[i] = check(*policy, spec_of(first + i, max_placements), first + i, nodes);
        },
        [&](std::size_t done) {
            if (done % 50 == 0) {
                fmt::print(stderr, "{} of {}\n", done, count);
            }
        }
    );
    return report(findings, max_placements);
}

} // namespace
} // namespace headroom::scheduler

int main(int argc, char** argv) {
    using namespace headroom;
    return bench::run_program(argc, argv, scheduler::kUsage, scheduler::run);
}
