#include "bench/quality_settings.hpp"

#include <iterator>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "bench/parallel.hpp"

namespace headroom::bench {
namespace {

using scheduler::CostProfile;
using scheduler::Granularity;
using scheduler::testing::QualityCell;

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
void set_kind(const Arguments& arguments, ProblemSettings& settings) {
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
    const auto parts = split(name, 'x');
    if (parts.size() != 2 && parts.size() != 3) {
        throw BadArgument(fmt::format(
            "--cells: '{}' is neither small nor large nor devices x layers, as in 6x4, nor with a "
            "memory factor, as in 3x2x1.15",
            name
        ));
    }
    const auto positive = [](std::string_view part) {
        const std::int64_t value = parse_integer("--cells", part);
        if (value < 1 || value > 10'000) {
            throw BadArgument(fmt::format("--cells: {} is not within 1 and 10000", value));
        }
        return static_cast<std::int32_t>(value);
    };
    QualityCell cell{positive(parts[0]), positive(parts[1])};
    if (parts.size() == 3) {
        cell.memory_factor = parse_decimal("--cells", parts[2]);
        if (!(*cell.memory_factor >= 1.0)) {
            throw BadArgument(
                fmt::format("--cells: memory factor {} is below 1", *cell.memory_factor)
            );
        }
    }
    return cell;
}

/// Returns the cells of a list of cells and of names of built-in cells, in the order of the list.
std::vector<QualityCell> cells_named(std::string_view names) {
    std::vector<QualityCell> cells;
    for (const std::string_view name : split(names, ',')) {
        if (name == "small" || name == "large") {
            const auto built_in = name == "small" ? scheduler::testing::all_quality_cells()
                                                  : scheduler::testing::large_quality_cells();
            cells.insert(cells.end(), built_in.begin(), built_in.end());
        } else {
            cells.push_back(cell_named(name));
        }
    }
    return cells;
}

/// Returns the option --heads, or 0 without it. The width of a head is 64.
std::int32_t heads_of(const Arguments& arguments, const ProblemSettings& settings) {
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

std::vector<scheduler::PolicyKind> policies_named(std::string_view names) {
    std::vector<scheduler::PolicyKind> policies;
    for (const std::string_view name : split(names, ',')) {
        const auto policy = scheduler::policy_named(name);
        if (!policy) {
            throw BadArgument(fmt::format("--policy: no policy '{}'", name));
        }
        policies.push_back(*policy);
    }
    return policies;
}

/// Returns the option --above, if it is given.
std::optional<double> above_of(const Arguments& arguments) {
    if (!arguments.has("--above")) {
        return std::nullopt;
    }
    const double ratio = parse_decimal("--above", arguments.text("--above", ""));
    if (!(ratio >= 1.0)) {
        throw BadArgument(fmt::format("--above: ratio {} is below 1", ratio));
    }
    return ratio;
}

double effort_of(const Arguments& arguments) {
    const double effort = parse_decimal("--effort", arguments.text("--effort", "1"));
    if (!(effort > 0 && effort <= 1000)) {
        throw BadArgument(fmt::format("--effort: {} is not above 0 and up to 1000", effort));
    }
    return effort;
}

constexpr std::string_view kProblemOptions[] = {
    "--profile",
    "--granularity",
    "--slices",
    "--count",
    "--seed",
    "--cells",
    "--heads",
    "--effort",
    "--jobs"};

ProblemSettings problem_settings_of(const Arguments& arguments) {
    ProblemSettings settings;
    set_kind(arguments, settings);
    settings.cells = cells_named(arguments.text("--cells", "small"));
    settings.count = static_cast<std::size_t>(arguments.number("--count", 100, 1));
    settings.first_seed = static_cast<std::uint64_t>(arguments.number("--seed", 0));
    settings.jobs = static_cast<std::size_t>(arguments.number("--jobs", hardware_jobs(), 1));
    settings.heads = heads_of(arguments, settings);
    settings.effort = effort_of(arguments);
    return settings;
}

} // namespace

ProblemSettings problem_settings_of(int argc, char** argv) {
    return problem_settings_of(
        Arguments(argc, argv, {std::begin(kProblemOptions), std::end(kProblemOptions)}, {})
    );
}

scheduler::testing::Instance instance_of(
    const ProblemSettings& settings, const QualityCell& cell, std::uint64_t seed
) {
    scheduler::testing::Instance instance = scheduler::testing::planted_instance(
        {.devices = cell.devices,
         .layers = cell.layers,
         .heads = settings.heads > 0 ? settings.heads : scheduler::testing::heads_of(seed),
         .memory_factor = scheduler::testing::memory_factor_of(cell, seed),
         .granularity = settings.granularity,
         .slices = settings.slices},
        seed,
        settings.profile
    );
    instance.problem.effort = settings.effort;
    return instance;
}

QualitySettings quality_settings_of(int argc, char** argv) {
    std::vector<std::string_view> options = {"--policy", "--node-limit", "--above"};
    options.insert(options.end(), std::begin(kProblemOptions), std::end(kProblemOptions));
    const Arguments arguments(argc, argv, options, {"--root-bound", "--json"});
    QualitySettings settings;
    static_cast<ProblemSettings&>(settings) = problem_settings_of(arguments);
    settings.policies = policies_named(arguments.text("--policy", "resource_aware"));
    if (arguments.has("--node-limit")) {
        settings.node_limit = arguments.number("--node-limit", 1, 1);
    }
    settings.above = above_of(arguments);
    settings.root_bound = arguments.has("--root-bound");
    settings.json = arguments.has("--json");
    return settings;
}

std::int64_t node_limit_of(const QualitySettings& settings, const QualityCell& cell) {
    return settings.node_limit.value_or(scheduler::testing::node_limit_of(cell));
}

} // namespace headroom::bench
