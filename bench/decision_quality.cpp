// Compares the decisions of policies with the optimum that policy `exact` proves, on the random
// instances of docs/explanation/instances.md. A cell is a class of instances of one size. The exit
// code is 1 if resource_aware misses a limit of tests/scheduler/instances/quality.hpp, or if
// `exact` proves too few optima.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bench/arguments.hpp"
#include "bench/cpu_time.hpp"
#include "bench/parallel.hpp"
#include "bench/quality_report.hpp"
#include "bench/quality_settings.hpp"
#include "scheduler/bounds/root_bound.hpp"
#include "tests/scheduler/instances/instances.hpp"
#include "tests/scheduler/instances/quality.hpp"

namespace headroom::scheduler {
namespace {

using bench::QualitySettings;
using testing::CellQuality;
using testing::FarAnswer;
using testing::Instance;
using testing::ProvenShare;
using testing::QualityAnswer;
using testing::QualityCell;
using testing::Trial;

QualityAnswer timed_answer(PolicyKind kind, const Problem& problem) {
    const auto policy = make_policy(kind);
    const double begin = bench::cpu_ms();
    const Decision decision = policy->decide(problem);
    const double took = bench::cpu_ms() - begin;
    QualityAnswer answer = testing::answer_of(problem, decision);
    answer.cpu_ms = took;
    return answer;
}

/// Computes the root bound with the best objective of all answers.
void add_root_bound(const Problem& problem, Trial& trial) {
    const double begin = bench::cpu_ms();
    if (const auto bound = root_bound(problem, {.known = testing::best_known(trial)})) {
        trial.root_bound = bound->seconds;
        trial.root_cpu_ms = bench::cpu_ms() - begin;
    }
}

Trial run_trial(const QualitySettings& settings, const QualityCell& cell, std::uint64_t seed) {
    Trial trial;
    trial.seed = seed;
    trial.heads = settings.heads > 0 ? settings.heads : testing::heads_of(seed);
    trial.memory_factor = testing::memory_factor_of(cell, seed);
    trial.exact_asked = std::int64_t{cell.devices} * cell.layers <= bench::kMostForExact;
    Instance instance = bench::instance_of(settings, cell, seed);
    instance.problem.node_limit = bench::node_limit_of(settings, cell);
    const auto checked_answer = [&](PolicyKind policy) {
        try {
            return timed_answer(policy, instance.problem);
        } catch (const std::exception& error) {
            throw std::runtime_error(fmt::format(
                "{}, cell {}, seed {}: {}", name_of(policy), name_of(cell), seed, error.what()
            ));
        }
    };
    if (trial.exact_asked) {
        trial.exact = checked_answer(PolicyKind::exact);
    }
    for (const PolicyKind policy : settings.policies) {
        const bool known = policy == PolicyKind::exact && trial.exact_asked;
        trial.answers.push_back(known ? trial.exact : checked_answer(policy));
    }
    if (settings.root_bound || !trial.exact.proven) {
        add_root_bound(instance.problem, trial);
    }
    return trial;
}

/// Prints on standard error how many instances of a cell are finished: a line when all are, and
/// before that at most one every ten seconds.
class Progress {
  public:
    Progress(std::string cell, std::size_t count) : cell_(std::move(cell)), count_(count) {}

    void print(std::size_t done) {
        constexpr std::chrono::seconds kBetweenLines{10};
        const auto now = std::chrono::steady_clock::now();
        if (done == count_ || now - last_ >= kBetweenLines) {
            last_ = now;
            fmt::print(
                stderr,
                "{}: {} of {} after {} s\n",
                cell_,
                done,
                count_,
                std::chrono::duration_cast<std::chrono::seconds>(now - begin_).count()
            );
        }
    }

  private:
    std::string cell_;
    std::size_t count_;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point last_ = begin_;
};

/// Returns the results for all instances of a cell, in the order of the seeds.
std::vector<Trial> run_trials(const QualitySettings& settings, const QualityCell& cell) {
    std::vector<Trial> all(settings.count);
    bench::parallel_for(
        settings.count,
        settings.jobs,
        [&](std::size_t k) { all[k] = run_trial(settings, cell, settings.first_seed + k); },
        [&, progress = Progress(name_of(cell), settings.count)](std::size_t done) mutable {
            progress.print(done);
        }
    );
    return all;
}

/// Returns the largest number of search nodes that `exact` may use in any of the cells.
std::int64_t largest_node_limit(const QualitySettings& settings) {
    std::int64_t largest = 0;
    for (const QualityCell& cell : settings.cells) {
        largest = std::max(largest, bench::node_limit_of(settings, cell));
    }
    return largest;
}

void print_title(const QualitySettings& settings) {
    fmt::print(
        "cost profile {}, granularity {}{}, seeds {} to {}, node limit {}; objective over optimum\n"
        "where exact proved one, where that is open over the higher of its bound and the root "
        "bound,\n"
        "and over the best known; cpu ms per decision, median\n",
        settings.profile == CostProfile::paper ? "paper" : "physical",
        name_of(settings.granularity),
        settings.granularity == Granularity::sliced ? fmt::format(" ({} slices)", settings.slices)
                                                    : "",
        settings.first_seed,
        settings.first_seed + settings.count - 1,
        largest_node_limit(settings)
    );
}

/// The results of all cells together.
struct Totals {
    ProvenShare share;
    std::vector<std::string> misses;
    void add(const std::vector<std::string>& missed) {
        misses.insert(misses.end(), missed.begin(), missed.end());
    }
};

/// Runs the cells and prints each as soon as it is finished.
Totals run_cells(const QualitySettings& settings, nlohmann::ordered_json& cells) {
    Totals totals;
    for (const QualityCell& cell : settings.cells) {
        const std::vector<Trial> all = run_trials(settings, cell);
        const CellQuality quality = testing::quality_of(cell, settings.policies, all);
        totals.share.add(cell, all);
        totals.add(testing::missed_limits(quality));
        const std::vector<FarAnswer> far =
            settings.above ? testing::far_answers(settings.policies, all, *settings.above)
                           : std::vector<FarAnswer>{};
        if (settings.json) {
            cells.push_back(bench::json_of(quality));
            cells.back()["node_limit"] = bench::node_limit_of(settings, cell);
            cells.back()["above"] = bench::json_of(far);
        } else {
            bench::print_quality(quality);
            bench::print_far_answers(quality.cell, far);
            std::fflush(stdout);
        }
    }
    totals.add(testing::missed_limits(totals.share));
    return totals;
}

nlohmann::ordered_json json_of(const QualitySettings& settings, const Totals& totals) {
    const bool sliced = settings.granularity == Granularity::sliced;
    return {
        {"profile", settings.profile == CostProfile::paper ? "paper" : "physical"},
        {"granularity", name_of(settings.granularity)},
        {"slices", sliced ? settings.slices : 0},
        {"first_seed", settings.first_seed},
        {"heads", settings.heads},
        {"node_limit", largest_node_limit(settings)},
        {"small_number", totals.share.number},
        {"small_proven", totals.share.proven},
        {"misses", totals.misses}};
}

void print_totals(const Totals& totals) {
    fmt::print(
        "at most 2 layers, 16 heads and 20 devices x layers: exact proves {} of {} ({:.1f} %)\n",
        totals.share.proven,
        totals.share.number,
        100.0 * totals.share.share()
    );
    for (const std::string& miss : totals.misses) {
        fmt::print("missed: {}\n", miss);
    }
    fmt::print("{}\n", totals.misses.empty() ? "nothing missed" : "exit code 1");
}

int run(int argc, char** argv) {
    const QualitySettings settings = bench::quality_settings_of(argc, argv);
    if (!settings.json) {
        print_title(settings);
        bench::print_quality_header();
    }
    nlohmann::ordered_json cells = nlohmann::ordered_json::array();
    const Totals totals = run_cells(settings, cells);
    if (settings.json) {
        nlohmann::ordered_json all = json_of(settings, totals);
        all["cells"] = cells;
        fmt::print("{}\n", all.dump(2));
    } else {
        print_totals(totals);
    }
    return totals.misses.empty() ? 0 : 1;
}

} // namespace
} // namespace headroom::scheduler

int main(int argc, char** argv) {
    using namespace headroom;
    return bench::run_program(argc, argv, bench::kQualityUsage, scheduler::run);
}
