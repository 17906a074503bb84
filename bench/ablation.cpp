// Measures what each part of the search of policy resource_aware is worth: decides every problem
// with the whole search and then with one part left out, and compares the objectives.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "bench/arguments.hpp"
#include "bench/cpu_time.hpp"
#include "bench/parallel.hpp"
#include "bench/quality_settings.hpp"
#include "scheduler/policies/resource_aware.hpp"
#include "scheduler/search/neighborhood.hpp"
#include "scheduler/search/statistics.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler {
namespace {

constexpr std::string_view kUsage =
    "usage: ablation [--profile physical|paper] [--granularity paper|sliced] [--slices S]\n"
    "         [--count N] [--seed FIRST] [--cells 6x4,...] [--heads H] [--effort E]\n"
    "         [--jobs J]\n"
    "  Decides N instances (100) of each cell by resource_aware, with its whole search and with\n"
    "  each neighbourhood and each other part left out. Prints the ratio of the objective to that\n"
    "  of the whole search (above 1: the part helps), how many decisions were worse and better\n"
    "  without the part, the CPU time, and what each neighbourhood did in the whole search. The\n"
    "  options choose instances as in decision_quality.\n";

using Statistics = std::map<std::string_view, NeighborhoodStatistics>;

struct Answer {
    double objective = 0; ///< seconds; infinite if no placement was found
    double cpu_ms = 0;
    Statistics statistics;
};

/// Decides with the part left out; an empty name leaves out nothing.
Answer decide_without(const Problem& problem, std::string_view part) {
    Answer answer;
    SearchObserver observer;
    if (!part.empty()) {
        observer.left_out.insert(part);
    }
    observer.statistics = &answer.statistics;
    const double begin = bench::cpu_ms();
    const Decision decision = decide_resource_aware(problem, &observer);
    answer.cpu_ms = bench::cpu_ms() - begin;
    answer.objective =
        decision.feasible ? objective(problem, decision) : std::numeric_limits<double>::infinity();
    return answer;
}

std::vector<std::string_view> all_parts() {
    std::vector<std::string_view> parts = {""};
    for (const Neighborhood& neighborhood : neighborhoods::kAll) {
        parts.push_back(neighborhood.name);
    }
    parts.insert(parts.end(), {kOtherAnswers, kRelaxation, kPerturbation});
    return parts;
}

/// The answers of all problems: [problem][part].
using Answers = std::vector<std::vector<Answer>>;

Answers answers_of(
    const bench::ProblemSettings& settings, const std::vector<std::string_view>& parts
) {
    Answers answers(settings.cells.size() * settings.count);
    bench::parallel_for(
        answers.size(),
        settings.jobs,
        [&](std::size_t i) {
            const auto& cell = settings.cells[i / settings.count];
            const std::uint64_t seed = settings.first_seed + i % settings.count;
            const testing::Instance instance = bench::instance_of(settings, cell, seed);
            for (const std::string_view part : parts) {
                answers[i].push_back(decide_without(instance.problem, part));
            }
        },
        [](std::size_t /*done*/) {}
    );
    return answers;
}

void print_part(std::string_view name, std::size_t part, const Answers& answers) {
    double sum = 0;
    double worst = 0;
    double ms = 0;
    int compared = 0;
    int worse = 0;
    int better = 0;
    int lost = 0;
    for (const std::vector<Answer>& answer : answers) {
        const double ratio = answer[part].objective / answer[0].objective;
        ms += answer[part].cpu_ms;
        if (!std::isfinite(ratio)) {
            lost += std::isfinite(answer[0].objective) ? 1 : 0;
            continue;
        }
        ++compared;
        sum += ratio;
        worst = std::max(worst, ratio);
        worse += ratio > 1 ? 1 : 0;
        better += ratio < 1 ? 1 : 0;
    }
    fmt::print(
        "{:<20} {:>8.4f} {:>8.4f} {:>6} {:>6} {:>12} {:>8.2f}\n",
        name.empty() ? "nothing" : name,
        compared > 0 ? sum / compared : 0,
        worst,
        worse,
        better,
        lost,
        ms / static_cast<double>(answers.size())
    );
}

void print_statistics(const Answers& answers) {
    Statistics sum;
    for (const std::vector<Answer>& answer : answers) {
        for (const auto& [name, one] : answer[0].statistics) {
            NeighborhoodStatistics& all = sum[name];
            all.calls += one.calls;
            all.tried += one.tried;
            all.kept += one.kept;
            all.gain += one.gain;
            all.work += one.work;
        }
    }
    const auto problems = static_cast<double>(answers.size());
    fmt::print(
        "\nper decision of the whole search\n{:<20} {:>8} {:>9} {:>9} {:>9} {:>10}\n",
        "neighbourhood",
        "calls",
        "tried",
        "kept",
        "gain %",
        "work"
    );
    for (const auto& [name, one] : sum) {
        fmt::print(
            "{:<20} {:>8.1f} {:>9.1f} {:>9.1f} {:>9.2f} {:>10.1f}\n",
            name,
            static_cast<double>(one.calls) / problems,
            static_cast<double>(one.tried) / problems,
            static_cast<double>(one.kept) / problems,
            100.0 * one.gain / problems,
            static_cast<double>(one.work) / problems
        );
    }
}

int run(int argc, char** argv) {
    const bench::ProblemSettings settings = bench::problem_settings_of(argc, argv);
    const std::vector<std::string_view> parts = all_parts();
    const Answers answers = answers_of(settings, parts);
    fmt::print(
        "{} instances, seeds {} to {}\n{:<20} {:>8} {:>8} {:>6} {:>6} {:>12} {:>8}\n",
        answers.size(),
        settings.first_seed,
        settings.first_seed + settings.count - 1,
        "left out",
        "mean",
        "worst",
        "worse",
        "better",
        "no placement",
        "cpu ms"
    );
    for (std::size_t part = 0; part < parts.size(); ++part) {
        print_part(parts[part], part, answers);
    }
    print_statistics(answers);
    return 0;
}

} // namespace
} // namespace headroom::scheduler

int main(int argc, char** argv) {
    using namespace headroom;
    return bench::run_program(argc, argv, scheduler::kUsage, scheduler::run);
}
