// Policy `exact` against trying every placement (tests/scheduler/enumeration), over small instances
// of the generator. Prints a table by class; exit code 1 on any difference.
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
using testing::Enumerated;
using testing::Instance;
using testing::SmallKind;

constexpr std::string_view kUsage =
    "usage: exact_check [--count N] [--seed FIRST] [--most-placements M] [--node-limit L]\n"
    "                   [--policy P] [--jobs J]\n"
    "  N instances (500) with the seeds FIRST (0) and up: 2-4 heads, 1-3 layers, 2-5 devices, "
    "both\n"
    "  cost profiles, with and without a previous placement, at most M (20000000) placements "
    "each.\n"
    "  L: search nodes of exact (10000000). P: another policy to be held against the optimum.\n";

/// What is counted together.
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
    std::string complaint; ///< empty: equal
};

SmallKind kind_of(std::uint64_t seed, double most_placements) {
    constexpr SmallKind kKinds[] = {
        {CostProfile::physical, Granularity::paper},
        {CostProfile::paper, Granularity::paper},
        {CostProfile::physical, Granularity::sliced},
    };
    SmallKind kind = kKinds[seed % std::size(kKinds)];
    kind.most_placements = most_placements;
    return kind;
}

std::string name_of(const SmallKind& kind) {
    return fmt::format(
        "{} {}",
        kind.profile == CostProfile::physical ? "physical" : "paper",
        scheduler::name_of(kind.granularity)
    );
}

/// The enumeration's formulas are checked too, against the library's on a sample of placements.
std::string check_formulas(const Instance& instance, const Enumerated& enumerated) {
    std::vector<Placement> sample = {instance.planted};
    if (enumerated.feasible > 0) {
        sample.push_back(enumerated.placement);
    }
    for (std::uint64_t k = 0; k < 20; ++k) {
        sample.push_back(testing::any_placement(instance, k));
    }
    for (const Placement& placement : sample) {
        const testing::Judged judged = testing::judge(instance.problem, placement);
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

Finding check(const Policy& policy, const SmallKind& kind, std::uint64_t seed, std::int64_t nodes) {
    Instance instance = testing::small_instance(kind, seed);
    Problem& problem = instance.problem;
    problem.node_limit = nodes;
    const Enumerated enumerated = testing::enumerate(problem);
    Finding finding;
    Decision decision;
    try {
        decision = policy.decide(problem);
    } catch (const std::exception& error) {
        finding.complaint = error.what();
    }
    finding.seed = seed;
    finding.of = {name_of(kind), problem.blocks->shape().layers, problem.previous.has_value()};
    finding.placements = testing::placements_of(problem);
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

/// Exit code.
int report(const std::vector<Finding>& findings, double most_placements) {
    print_table(findings);
    int wrong = 0;
    for (const Finding& finding : findings) {
        if (!finding.complaint.empty() && ++wrong <= 10) {
            fmt::print(
                "seed {}: {} (again: exact_check --count 1 --seed {} --most-placements {:.0f})\n",
                finding.seed,
                finding.complaint,
                finding.seed,
                most_placements
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
    const Arguments given(
        argc,
        argv,
        {"--count", "--seed", "--most-placements", "--node-limit", "--policy", "--jobs"},
        {}
    );
    const auto count = static_cast<std::size_t>(given.number("--count", 500, 1));
    const auto first = static_cast<std::uint64_t>(given.number("--seed", 0));
    const auto most = static_cast<double>(given.number("--most-placements", 20'000'000, 16));
    const std::int64_t nodes = given.number("--node-limit", 10'000'000, 1);
    const auto jobs = static_cast<std::size_t>(given.number("--jobs", bench::hardware_jobs(), 1));
    const auto kind = policy_named(given.text("--policy", "exact"));
    if (!kind) {
        throw bench::BadArgument(fmt::format("--policy: no policy '{}'", given.text("--policy", ""))
        );
    }
    const auto policy = make_policy(*kind);
    std::vector<Finding> findings(count);
    bench::for_each_index(
        count,
        jobs,
        [&](std::size_t i) {
            findings[i] = check(*policy, kind_of(first + i, most), first + i, nodes);
        },
        [&](std::size_t done) {
            if (done % 50 == 0) {
                fmt::print(stderr, "{} of {}\n", done, count);
            }
        }
    );
    return report(findings, most);
}

} // namespace
} // namespace headroom::scheduler

int main(int argc, char** argv) {
    using namespace headroom;
    return bench::run_program(argc, argv, scheduler::kUsage, scheduler::run);
}
