// Compares the decisions of policies with the optimum that policy `exact` proves, on the random
// instances of docs/explanation/instances.md. A cell is a class of instances of one size. The exit
// code is 1 if resource_aware misses a limit of tests/scheduler/instances/quality.hpp, or if
// `exact` proves too few optima.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bench/arguments.hpp"
#include "bench/parallel.hpp"
#include "bench/quality_report.hpp"
#include "scheduler/bounds/root_bound.hpp"
#include "tests/scheduler/instances/instances.hpp"
#include "tests/scheduler/instances/quality.hpp"

namespace headroom::scheduler {
namespace {

using bench::Arguments;
using bench::BadArgument;
using testing::CellQuality;
using testing::Instance;
using testing::ProvenShare;
using testing::QualityAnswer;
using testing::QualityCell;
using testing::Trial;

constexpr std::string_view kUsage =
    "usage: decision_quality [--profile physical|paper] [--granularity paper|sliced] [--slices S]\n"
    "         [--count N] [--seed FIRST] [--cells 3x2x1.15,...] [--policy P,...]\n"
    "         [--heads H] [--node-limit L] [--root-bound] [--jobs J] [--json]\n"
    "  N instances (100) of each cell devices x layers x memory factor (all 27) with the seeds\n"
    "  FIRST (0) and up; seeds take turns with 8, 16 and 32 heads, or all have H. P: "
    "resource_aware,\n"
    "  by default. S: 8 by default. L: search nodes of exact (200000). J: threads, one per core.\n"
    "  exact is not asked for more than 320 devices x layers. The root bound is computed where "
    "exact\n"
    "  has proven no optimum, with --root-bound for all instances.\n"
    "  One instance again: --cells CELL --seed SEED --count "
    "1.\n";

struct Settings {
    CostProfile profile = CostProfile::physical;
    Granularity granularity = Granularity::paper;
    std::int32_t slices = 8;
    std::vector<QualityCell> cells;
    std::vector<PolicyKind> policies;
    std::size_t count = 100;
    std::uint64_t first_seed = 0;
    std::int64_t node_limit = 0;
    std::int32_t heads = 0; ///< 0: 8, 16 and 32 by turns
    std::size_t jobs = 1;
    bool root_bound = false; ///< compute the root bound of every instance
    bool json = false;
};

/// Returns the CPU time of this thread in milliseconds.
double cpu_ms() {
    std::timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

QualityAnswer timed_answer(PolicyKind kind, const Problem& problem) {
    const auto policy = make_policy(kind);
    const double begin = cpu_ms();
    const Decision decision = policy->decide(problem);
    const double took = cpu_ms() - begin;
    QualityAnswer answer = testing::answer_of(problem, decision);
    answer.cpu_ms = took;
    return answer;
}

/// Computes the root bound with the best objective of all answers.
void add_root_bound(const Problem& problem, Trial& trial) {
    double known = std::numeric_limits<double>::infinity();
    const auto consider = [&](const QualityAnswer& answer) {
        known = answer.feasible && answer.accepted ? std::min(known, answer.objective) : known;
    };
    consider(trial.exact);
    std::ranges::for_each(trial.answers, consider);
    const double begin = cpu_ms();
    if (const auto bound = root_bound(problem, {.known = known})) {
        trial.root_bound = bound->seconds;
        trial.root_cpu_ms = cpu_ms() - begin;
    }
}

Trial run_trial(const Settings& settings, const QualityCell& cell, std::uint64_t seed) {
    Trial trial;
    trial.seed = seed;
    trial.heads = settings.heads > 0 ? settings.heads : testing::heads_of(seed);
    trial.exact_asked = std::int64_t{cell.devices} * cell.layers <= bench::kMostForExact;
    Instance instance = testing::planted_instance(
        {.devices = cell.devices,
         .layers = cell.layers,
         .heads = trial.heads,
         .memory_factor = cell.memory_factor,
         .granularity = settings.granularity,
         .slices = settings.slices},
        seed,
        settings.profile
    );
    instance.problem.node_limit = settings.node_limit;
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

/// Returns the results for all instances of a cell, in the order of the seeds.
std::vector<Trial> run_trials(const Settings& settings, const QualityCell& cell) {
    std::vector<Trial> all(settings.count);
    bench::parallel_for(
        settings.count,
        settings.jobs,
        [&](std::size_t k) { all[k] = run_trial(settings, cell, settings.first_seed + k); },
        [&](std::size_t done) {
            if (done % 50 == 0 || done == settings.count) {
                fmt::print(stderr, "{}: {} of {}\n", name_of(cell), done, settings.count);
            }
        }
    );
    return all;
}

void print_title(const Settings& settings) {
    fmt::print(
        "cost profile {}, granularity {}{}, seeds {} to {}, node limit {}; objective over optimum\n"
        "where exact proved one, where that is open over the higher of its bound and the root "
        "bound;\n"
        "cpu ms per decision, median\n",
        settings.profile == CostProfile::paper ? "paper" : "physical",
        name_of(settings.granularity),
        settings.granularity == Granularity::sliced ? fmt::format(" ({} slices)", settings.slices)
                                                    : "",
        settings.first_seed,
        settings.first_seed + settings.count - 1,
        settings.node_limit
    );
}

/// Returns whether the option has the second of its two possible values; the first is the default.
/// Throws BadArgument for any other value.
bool is_second_choice(
    const Arguments& arguments,
    std::string_view option,
    std::string_view first,
    std::string_view second
) {
    const std::string_view name = arguments.text(option, first);
    if (name != first && name != second) {
        throw BadArgument(fmt::format("{}: '{}' is neither {} nor {}", option, name, first, second)
        );
    }
    return name == second;
}

/// Sets cost profile, granularity and slices. The slices must divide the FFN width of all
/// instances.
void set_kind(const Arguments& arguments, Settings& settings) {
    if (is_second_choice(arguments, "--profile", "physical", "paper")) {
        settings.profile = CostProfile::paper;
    }
    if (is_second_choice(arguments, "--granularity", "paper", "sliced")) {
        settings.granularity = Granularity::sliced;
    }
    const bool sliced = settings.granularity == Granularity::sliced;
    if (sliced && settings.profile == CostProfile::paper) {
        throw BadArgument("--profile paper knows granularity paper only");
    }
    if (!sliced && arguments.has("--slices")) {
        throw BadArgument("--slices belongs to --granularity sliced");
    }
    const std::int64_t slices = arguments.number("--slices", settings.slices, 1);
    constexpr std::int64_t kSmallestFfnWidth =
        4 * 64 * 8; // with 8 heads; it divides the other widths
    if (kSmallestFfnWidth % slices != 0) {
        throw BadArgument(fmt::format("--slices: {} does not divide {}", slices, kSmallestFfnWidth)
        );
    }
    settings.slices = static_cast<std::int32_t>(slices);
}

QualityCell cell_named(std::string_view name) {
    const auto parts = bench::split(name, 'x');
    if (parts.size() != 3) {
        throw BadArgument(
            fmt::format("--cells: '{}' is not devices x layers x factor, as in 3x2x1.15", name)
        );
    }
    const auto positive = [](std::string_view part) {
        const std::int64_t value = bench::parse_integer("--cells", part);
        if (value < 1 || value > 10'000) {
            throw BadArgument(fmt::format("--cells: {} is not within 1 and 10000", value));
        }
        return static_cast<std::int32_t>(value);
    };
    const double factor = bench::parse_decimal("--cells", parts[2]);
    if (!(factor >= 1.0)) {
        throw BadArgument(fmt::format("--cells: memory factor {} is below 1", factor));
    }
    return {positive(parts[0]), positive(parts[1]), factor};
}

/// Returns the option --heads, or 0 without it. The width of a head is 64.
std::int32_t heads_of(const Arguments& arguments, const Settings& settings) {
    const std::int64_t heads = arguments.has("--heads") ? arguments.number("--heads", 8, 1) : 0;
    if (heads > 1024) {
        throw BadArgument(fmt::format("--heads: {} is above 1024", heads));
    }
    if (settings.granularity == Granularity::sliced && 4 * 64 * heads % settings.slices != 0) {
        throw BadArgument(fmt::format(
            "--heads: the FFN width 256 x {} is no multiple of {} slices", heads, settings.slices
        ));
    }
    return static_cast<std::int32_t>(heads);
}

Settings settings_of(const Arguments& arguments) {
    Settings settings;
    set_kind(arguments, settings);
    for (const std::string_view name : bench::split(arguments.text("--cells", ""), ',')) {
        settings.cells.push_back(cell_named(name));
    }
    if (settings.cells.empty()) {
        settings.cells = testing::all_quality_cells();
    }
    for (const std::string_view name :
         bench::split(arguments.text("--policy", "resource_aware"), ',')) {
        const auto policy = policy_named(name);
        if (!policy) {
            throw BadArgument(fmt::format("--policy: no policy '{}'", name));
        }
        settings.policies.push_back(*policy);
    }
    settings.count = static_cast<std::size_t>(arguments.number("--count", 100, 1));
    settings.first_seed = static_cast<std::uint64_t>(arguments.number("--seed", 0));
    settings.node_limit = arguments.number("--node-limit", Problem{}.node_limit, 1);
    settings.jobs = static_cast<std::size_t>(arguments.number("--jobs", bench::hardware_jobs(), 1));
    settings.heads = heads_of(arguments, settings);
    settings.root_bound = arguments.has("--root-bound");
    settings.json = arguments.has("--json");
    return settings;
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
Totals run_cells(const Settings& settings, nlohmann::ordered_json& cells) {
    Totals totals;
    for (const QualityCell& cell : settings.cells) {
        const std::vector<Trial> all = run_trials(settings, cell);
        const CellQuality quality = testing::quality_of(cell, settings.policies, all);
        totals.share.add(cell, all);
        totals.add(testing::missed_limits(quality));
        if (settings.json) {
            cells.push_back(bench::json_of(quality));
        } else {
            bench::print_quality(quality);
            std::fflush(stdout);
        }
    }
    totals.add(testing::missed_limits(totals.share));
    return totals;
}

nlohmann::ordered_json json_of(const Settings& settings, const Totals& totals) {
    const bool sliced = settings.granularity == Granularity::sliced;
    return {
        {"profile", settings.profile == CostProfile::paper ? "paper" : "physical"},
        {"granularity", name_of(settings.granularity)},
        {"slices", sliced ? settings.slices : 0},
        {"first_seed", settings.first_seed},
        {"heads", settings.heads},
        {"node_limit", settings.node_limit},
        {"small_number", totals.share.number},
        {"small_proven", totals.share.proven},
        {"misses", totals.misses}};
}

void print_totals(const Totals& totals) {
    fmt::print(
        "at most 2 layers and 16 heads: exact proves {} of {} ({:.1f} %)\n",
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
    const Arguments arguments(
        argc,
        argv,
        {"--profile",
         "--granularity",
         "--slices",
         "--count",
         "--seed",
         "--cells",
         "--policy",
         "--heads",
         "--node-limit",
         "--jobs"},
        {"--root-bound", "--json"}
    );
    const Settings settings = settings_of(arguments);
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
    return bench::run_program(argc, argv, scheduler::kUsage, scheduler::run);
}
