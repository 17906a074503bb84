// How near to the proven optimum decisions are: policies over the instances of
// docs/explanation/instances.md, cell by cell, against policy `exact`. Exit code 1 if
// resource_aware misses what it is held to, or exact proves too little
// (tests/scheduler/instances/quality.hpp).
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bench/arguments.hpp"
#include "bench/parallel.hpp"
#include "bench/quality_report.hpp"
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
    "         [--node-limit L] [--jobs J] [--json]\n"
    "  N instances (100) of each cell devices x layers x memory factor (all 27) with the seeds\n"
    "  FIRST (0) and up; seeds take turns with 8, 16 and 32 heads. P: resource_aware, by default.\n"
    "  S: 8 by default. L: search nodes of exact (200000). J: threads, one per core.\n"
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
    std::size_t jobs = 1;
    bool json = false;
};

/// Of the calling thread.
double cpu_ms() {
    std::timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

QualityAnswer ask(PolicyKind kind, const Problem& problem) {
    const auto policy = make_policy(kind);
    const double begin = cpu_ms();
    const Decision decision = policy->decide(problem);
    const double took = cpu_ms() - begin;
    QualityAnswer answer = testing::answer_of(problem, decision);
    answer.cpu_ms = took;
    return answer;
}

Trial trial(const Settings& settings, const QualityCell& cell, std::uint64_t seed) {
    Trial trial;
    trial.seed = seed;
    trial.heads = testing::heads_of(seed);
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
    const auto asked = [&](PolicyKind policy) {
        try {
            return ask(policy, instance.problem);
        } catch (const std::exception& error) {
            throw std::runtime_error(fmt::format(
                "{}, cell {}, seed {}: {}", name_of(policy), name_of(cell), seed, error.what()
            ));
        }
    };
    trial.exact = asked(PolicyKind::exact);
    for (const PolicyKind policy : settings.policies) {
        trial.answers.push_back(policy == PolicyKind::exact ? trial.exact : asked(policy));
    }
    return trial;
}

/// A cell's instances, in the order of the seeds.
std::vector<Trial> trials(const Settings& settings, const QualityCell& cell) {
    std::vector<Trial> all(settings.count);
    bench::for_each_index(
        settings.count,
        settings.jobs,
        [&](std::size_t k) { all[k] = trial(settings, cell, settings.first_seed + k); },
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
        "where exact proved one, over its bound where that is open; cpu ms per decision, median\n",
        settings.profile == CostProfile::paper ? "paper" : "physical",
        name_of(settings.granularity),
        settings.granularity == Granularity::sliced ? fmt::format(" ({} slices)", settings.slices)
                                                    : "",
        settings.first_seed,
        settings.first_seed + settings.count - 1,
        settings.node_limit
    );
}

/// The second of two choices?
bool chosen(
    const Arguments& given, std::string_view option, std::string_view first, std::string_view second
) {
    const std::string_view name = given.text(option, first);
    if (name != first && name != second) {
        throw BadArgument(fmt::format("{}: '{}' is neither {} nor {}", option, name, first, second)
        );
    }
    return name == second;
}

/// Profile, granularity and slices; every head count of the definition must divide into them.
void set_kind(const Arguments& given, Settings& settings) {
    if (chosen(given, "--profile", "physical", "paper")) {
        settings.profile = CostProfile::paper;
    }
    if (chosen(given, "--granularity", "paper", "sliced")) {
        settings.granularity = Granularity::sliced;
    }
    const bool sliced = settings.granularity == Granularity::sliced;
    if (sliced && settings.profile == CostProfile::paper) {
        throw BadArgument("--profile paper knows granularity paper only");
    }
    if (!sliced && given.has("--slices")) {
        throw BadArgument("--slices belongs to --granularity sliced");
    }
    const std::int64_t slices = given.number("--slices", settings.slices, 1);
    constexpr std::int64_t kNarrowest = 4 * 64 * 8; // F of 8 heads, which divides the other two
    if (kNarrowest % slices != 0) {
        throw BadArgument(fmt::format("--slices: {} does not divide {}", slices, kNarrowest));
    }
    settings.slices = static_cast<std::int32_t>(slices);
}

QualityCell cell_named(std::string_view name) {
    const auto parts = bench::parts_of(name, 'x');
    if (parts.size() != 3) {
        throw BadArgument(
            fmt::format("--cells: '{}' is not devices x layers x factor, as in 3x2x1.15", name)
        );
    }
    const auto positive = [](std::string_view part) {
        const std::int64_t value = bench::whole_number("--cells", part);
        if (value < 1 || value > 10'000) {
            throw BadArgument(fmt::format("--cells: {} is not within 1 and 10000", value));
        }
        return static_cast<std::int32_t>(value);
    };
    const double factor = bench::decimal_number("--cells", parts[2]);
    if (!(factor >= 1.0)) {
        throw BadArgument(fmt::format("--cells: memory factor {} is below 1", factor));
    }
    return {positive(parts[0]), positive(parts[1]), factor};
}

Settings settings_of(const Arguments& given) {
    Settings settings;
    set_kind(given, settings);
    for (const std::string_view name : bench::parts_of(given.text("--cells", ""), ',')) {
        settings.cells.push_back(cell_named(name));
    }
    if (settings.cells.empty()) {
        settings.cells = testing::all_quality_cells();
    }
    for (const std::string_view name :
         bench::parts_of(given.text("--policy", "resource_aware"), ',')) {
        const auto policy = policy_named(name);
        if (!policy) {
            throw BadArgument(fmt::format("--policy: no policy '{}'", name));
        }
        settings.policies.push_back(*policy);
    }
    settings.count = static_cast<std::size_t>(given.number("--count", 100, 1));
    settings.first_seed = static_cast<std::uint64_t>(given.number("--seed", 0));
    settings.node_limit = given.number("--node-limit", Problem{}.node_limit, 1);
    settings.jobs = static_cast<std::size_t>(given.number("--jobs", bench::hardware_jobs(), 1));
    settings.json = given.has("--json");
    return settings;
}

/// What is known after all cells.
struct Totals {
    ProvenShare share;
    std::vector<std::string> misses;
    void add(const std::vector<std::string>& missed) {
        misses.insert(misses.end(), missed.begin(), missed.end());
    }
};

/// Cell by cell, so that a long run can be read while it goes on.
Totals run_cells(const Settings& settings, nlohmann::ordered_json& cells) {
    Totals totals;
    for (const QualityCell& cell : settings.cells) {
        const std::vector<Trial> all = trials(settings, cell);
        const CellQuality quality = testing::quality_of(cell, settings.policies, all);
        totals.share.add(cell, all);
        totals.add(testing::misses(quality));
        if (settings.json) {
            cells.push_back(bench::json_of(quality));
        } else {
            bench::print_quality(quality);
            std::fflush(stdout);
        }
    }
    totals.add(testing::misses(totals.share));
    return totals;
}

nlohmann::ordered_json json_of(const Settings& settings, const Totals& totals) {
    const bool sliced = settings.granularity == Granularity::sliced;
    return {
        {"profile", settings.profile == CostProfile::paper ? "paper" : "physical"},
        {"granularity", name_of(settings.granularity)},
        {"slices", sliced ? settings.slices : 0},
        {"first_seed", settings.first_seed},
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
    const Arguments given(
        argc,
        argv,
        {"--profile",
         "--granularity",
         "--slices",
         "--count",
         "--seed",
         "--cells",
         "--policy",
         "--node-limit",
         "--jobs"},
        {"--json"}
    );
    const Settings settings = settings_of(given);
    if (!settings.json) {
        print_title(settings);
        bench::print_quality_head();
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
