#include "cli/plan/plan_previous.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "cli/input/file_kind.hpp"
#include "cli/input/usage.hpp"
#include "config/toml/input.hpp"
#include "runtime/offline/planning.hpp"
#include "scheduler/policies/registry.hpp"
#include "trace/hdf5/reader.hpp"

namespace headroom::cli {

namespace {

constexpr const char* kExpected =
    "expected a policy, a trace (.h5), or what headroom plan --policy P --json printed";

constexpr std::int64_t kMaxTokens = 1'000'000'000;         // the limit of workload.tokens
constexpr Nanoseconds kMaxClock = 1'000'000'000 * kSecond; // later times still fit in 64 bits

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

std::int64_t checked_count(
    const nlohmann::json& value, std::string_view name, std::int64_t limit, const std::string& from
) {
    const bool whole = value.is_number_integer() && value >= 0 && value <= limit;
    if (!whole) {
        refuse(
            from,
            "{} = {}, expected a whole number from 0 to {}; correct it",
            name,
            value.dump(),
            limit
        );
    }
    return value.get<std::int64_t>();
}

std::vector<std::int32_t> devices_of(const nlohmann::json& placement, const std::string& from) {
    std::vector<std::int32_t> devices;
    for (const nlohmann::json& device : placement) {
        devices.push_back(static_cast<std::int32_t>(
            checked_count(device, "a device of the placement", config::kMaxDevices - 1, from)
        ));
    }
    return devices;
}

/// Returns the only placement of a plan in JSON. Its `at` is that of the next decision.
runtime::WrittenPlacement placement_of(const nlohmann::json& plan, const std::string& from) {
    runtime::WrittenPlacement written;
    written.file = from;
    written.origin = from;
    written.at = checked_count(plan.at("at"), "at", kMaxTokens, from) +
                 checked_count(plan.at("interval"), "interval", kMaxTokens, from);
    written.clock = checked_count(plan.at("clock_ns"), "clock_ns", kMaxClock, from);
    written.devices = plan.at("device_names").get<std::vector<std::string>>();
    written.blocks = plan.at("block_names").get<std::vector<std::string>>();
    std::vector<std::string> deciders;
    for (const nlohmann::json& policy : plan.at("policies")) {
        if (policy.contains("placement")) {
            deciders.push_back(policy.at("policy").get<std::string>());
            written.placement = devices_of(policy.at("placement"), from);
        }
    }
    if (deciders.size() != 1) {
        refuse(
            from,
            "has {} placements{}, expected one; make it with headroom plan --policy P --json",
            deciders.size(),
            deciders.empty() ? "" : fmt::format(" ({})", fmt::join(deciders, ", "))
        );
    }
    return written;
}

runtime::WrittenPlacement read_plan(const std::string& from) {
    const config::Input input = config::read_input(from, "--previous");
    const std::string& text = input.text;
    if (input.error_number != 0) {
        refuse(from, "cannot be read: {}, {}", std::strerror(input.error_number), kExpected);
    }
    if (text.empty()) {
        refuse(from, "is empty, {}; was it written to its end?", kExpected);
    }
    try {
        return placement_of(nlohmann::json::parse(text), from);
    } catch (const nlohmann::json::exception& error) {
        // The library's message begins with an error code in brackets.
        const std::string what = error.what();
        refuse(
            from,
            "is not a plan ({}), {}; make it anew",
            what.substr(std::min(what.size(), what.find("] ") + 2)),
            kExpected
        );
    }
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
        return {command.at.value_or(0), runtime::first_choice(scenario, workload, *policy)};
    }
    const runtime::WrittenPlacement written = read(from, command.at);
    const scheduler::Blocks blocks(workload.shape, scenario.controller.cut());
    return {
        command.at.value_or(written.at),
        runtime::previous_placement(written, scenario.fleet, blocks)};
}

} // namespace headroom::cli
