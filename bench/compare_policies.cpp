// Compares the decisions of policy resource_aware with those of other policies on the random
// instances of docs/explanation/instances.md. Prints a table per cost profile. The exit code is 1
// if resource_aware is not better than policy paper (see tests/scheduler/instances/comparison.hpp).
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "tests/scheduler/instances/comparison.hpp"

namespace headroom::scheduler {
namespace {

using testing::Answer;
using testing::Comparison;
using testing::InstanceSeries;

constexpr std::string_view kUsage =
    "usage: compare_policies [--count N] [--seed FIRST]\n"
    "  N instances (default 200) per cost profile with the seeds FIRST (default 0) and up\n";

/// The answers of a policy to a series of instances, and the wall time per answer.
struct TimedAnswers {
    std::vector<Answer> answers;
    double ms_each = 0;
};

TimedAnswers timed_answers(PolicyKind kind, const InstanceSeries& series) {
    const auto begin = std::chrono::steady_clock::now();
    TimedAnswers result{testing::answers(kind, series), 0};
    const std::chrono::duration<double, std::milli> duration =
        std::chrono::steady_clock::now() - begin;
    result.ms_each = duration.count() / static_cast<double>(series.count);
    return result;
}

int infeasible_count(const std::vector<Answer>& answers) {
    int count = 0;
    for (const Answer& answer : answers) {
        count += answer.feasible ? 0 : 1;
    }
    return count;
}

/// Prints the table of one cost profile. Returns whether resource_aware is better than policy
/// paper, the published method.
bool compare_all(const InstanceSeries& series) {
    const bool paper = series.profile == CostProfile::paper;
    const TimedAnswers ours = timed_answers(PolicyKind::resource_aware, series);
    fmt::print(
        "cost profile {}, {} instances, seeds {} to {}; resource_aware: {} infeasible, {:.1f} ms\n"
        "{:<24}{:>8}{:>12}{:>10}{:>10}{:>12}{:>12}{:>10}\n",
        paper ? "paper" : "physical",
        series.count,
        series.first_seed,
        series.first_seed + series.count - 1,
        infeasible_count(ours.answers),
        ours.ms_each,
        "resource_aware /",
        "number",
        "geom. mean",
        "worst",
        "best",
        "worst seed",
        "infeasible",
        "ms"
    );
    bool better = true;
    for (const PolicyKind kind : {PolicyKind::paper, PolicyKind::greedy, PolicyKind::round_robin}) {
        const TimedAnswers theirs = timed_answers(kind, series);
        const Comparison comparison = testing::compare(ours.answers, theirs.answers);
        fmt::print(
            "{:<24}{:>8}{:>12.4f}{:>10.4f}{:>10.4f}{:>12}{:>12}{:>10.3f}\n",
            name_of(kind),
            comparison.number,
            comparison.geometric_mean,
            comparison.worst,
            comparison.best,
            comparison.worst_seed,
            infeasible_count(theirs.answers),
            theirs.ms_each
        );
        const std::string complaint = testing::complaint(comparison);
        if (kind == PolicyKind::paper && !complaint.empty()) {
            fmt::print("not better than paper: {}\n", complaint);
            better = false;
        }
    }
    fmt::print("\n");
    return better;
}

/// Sets `value` to the number that the text consists of. Returns false if the text is anything
/// else.
bool read_number(const char* text, std::uint64_t& value) {
    const char* end = text + std::strlen(text);
    const auto [stop, error] = std::from_chars(text, end, value);
    return error == std::errc() && stop == end;
}

int run(int argc, char** argv) {
    InstanceSeries series;
    for (int i = 1; i < argc; i += 2) {
        const std::string_view option = argv[i];
        std::uint64_t* value = option == "--count"  ? &series.count
                               : option == "--seed" ? &series.first_seed
                                                    : nullptr;
        if (value == nullptr || i + 1 == argc || !read_number(argv[i + 1], *value) ||
            series.count == 0) {
            const bool wants_help = option == "--help";
            fmt::print(wants_help ? stdout : stderr, "{}", kUsage);
            return wants_help ? 0 : 2;
        }
    }
    bool better = true;
    for (const CostProfile profile : {CostProfile::physical, CostProfile::paper}) {
        series.profile = profile;
        better = compare_all(series) && better;
    }
    return better ? 0 : 1;
}

} // namespace
} // namespace headroom::scheduler

int main(int argc, char** argv) {
    try {
        return headroom::scheduler::run(argc, argv);
    } catch (const std::exception& error) {
        fmt::print(stderr, "compare_policies: {}\n", error.what());
        return 4;
    }
}
