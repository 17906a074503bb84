#include "cli/plan/plan_previous.hpp"

#include <cstring>
#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "cli/input/file_kind.hpp"
#include "cli/input/usage.hpp"
#include "config/toml/input.hpp"
#include "config/toml/written_plan.hpp"
#include "runtime/offline/planning.hpp"
#include "scheduler/policies/registry.hpp"
#include "trace/hdf5/reader.hpp"

namespace headroom::cli {

namespace {

constexpr const char* kExpected =
    "expected a policy, a trace (.h5), or what headroom plan --policy P --json printed";

template <class... Values>
[[noreturn]] void refuse(
    const std::string& from, fmt::format_string<Values...> problem, Values&&... values
) {
    throw InputError(fmt::format(
        "--previous {}: {}", from, fmt::format(problem, std::forward<Values>(values)...)
    ));
}

[[noreturn]] void refuse_unknown_name(const std::string& from) {
    const auto names = scheduler::policy_names();
    const std::vector<std::string> known(names.begin(), names.end());
    refuse(
        from,
        "is neither a policy nor a file that is there, {}; policies: {}{}",
        kExpected,
        fmt::join(known, ", "),
        did_you_mean(from, known)
    );
}

/// Returns the only placement of a plan in JSON. Its `at` is that of the next decision.
runtime::WrittenPlacement read_plan(const std::string& from) {
    const config::Input input = config::read_input(from, "--previous");
    if (input.error_number != 0) {
        refuse(from, "cannot be read: {}, {}", std::strerror(input.error_number), kExpected);
    }
    config::WrittenPlan plan = config::read_written_plan(input.text, kExpected);
    if (!plan.problem.empty()) {
        refuse(from, "{}", plan.problem);
    }
    runtime::WrittenPlacement written;
    written.file = from;
    written.origin = from;
    written.at = plan.at + plan.interval;
    written.clock = plan.clock;
    written.devices = std::move(plan.devices);
    written.blocks = std::move(plan.blocks);
    written.placement = std::move(plan.placement);
    return written;
}

runtime::WrittenPlacement read(const std::string& from, std::optional<std::int64_t> at) {
    std::error_code unknown;
    if (config::is_standard_input(from) || std::filesystem::is_fifo(from, unknown)) {
        return read_plan(from); // traces can be read only from files
    }
    if (!std::filesystem::exists(from, unknown)) {
        refuse_unknown_name(from);
    }
    if (std::filesystem::is_directory(from, unknown)) {
        refuse(from, "is a directory, {}; name a file in it", kExpected);
    }
    if (std::filesystem::is_regular_file(from, unknown) &&
        std::filesystem::file_size(from, unknown) == 0) {
        return read_plan(from);
    }
    switch (file_kind_of(from)) {
    case FileKind::trace:
        return runtime::placement_in_force(trace::open_trace(from).trace, from, at);
    case FileKind::model:
        refuse(from, "is a model (GGUF), {}; give one of them", kExpected);
    case FileKind::text:
        break;
    }
    return read_plan(from);
}

} // namespace

void check_given(
    const config::Scenario& scenario, scheduler::PolicyKind policy, std::string_view option
) {
    if (const std::string problem = config::missing_given_problem(scenario.controller, policy);
        !problem.empty()) {
        throw InputError(fmt::format("{} {}", option, problem));
    }
}

PlanStart plan_start(
    const PlanCommand& command,
    const config::Scenario& scenario,
    const runtime::WorkloadDescription& workload
) {
    if (!command.previous) {
        return {command.at.value_or(0), std::nullopt};
    }
    const std::string& from = *command.previous;
    if (const auto policy = scheduler::policy_named(from)) {
        check_given(scenario, *policy, "--previous given");
        return {command.at.value_or(0), runtime::first_choice(scenario, workload, *policy)};
    }
    const runtime::WrittenPlacement written = read(from, command.at);
    const scheduler::Blocks blocks(workload.shape, scenario.controller.cut());
    return {
        command.at.value_or(written.at),
        runtime::previous_placement(written, scenario.fleet, blocks)};
}

} // namespace headroom::cli
