#include "cli/plan_previous.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "cli/file_kind.hpp"
#include "cli/usage.hpp"
#include "runtime/planning.hpp"
#include "scheduler/policy.hpp"
#include "trace/hdf5/reader.hpp"

namespace headroom::cli {

namespace {

constexpr const char* kExpected =
    "expected a policy, a trace (.h5), or what headroom plan --policy P --json printed";

[[noreturn]] void refuse(const std::string& from, const std::string& problem) {
    throw InputError(fmt::format("--previous {}: {}", from, problem));
}

[[noreturn]] void refuse_word(const std::string& from) {
    const auto names = scheduler::policy_names();
    const std::vector<std::string> known(names.begin(), names.end());
    const std::string near = did_you_mean(from, known);
    refuse(
        from,
        fmt::format(
            "is neither a policy nor a file that is there, {}; policies: {}{}",
            kExpected,
            fmt::join(known, ", "),
            near
        )
    );
}

/// The only placement of a plan that was written as JSON; `at` is the next decision's.
runtime::WrittenPlacement placement_of(const nlohmann::json& plan, const std::string& from) {
    runtime::WrittenPlacement written;
    written.file = from;
    written.origin = from;
    written.at = plan.at("at").get<std::int64_t>() + plan.at("interval").get<std::int64_t>();
    written.clock = plan.at("clock_ns").get<Nanoseconds>();
    written.devices = plan.at("device_names").get<std::vector<std::string>>();
    written.blocks = plan.at("block_names").get<std::vector<std::string>>();
    std::vector<std::string> deciders;
    for (const nlohmann::json& policy : plan.at("policies")) {
        if (policy.contains("placement")) {
            deciders.push_back(policy.at("policy").get<std::string>());
            written.placement = policy.at("placement").get<std::vector<std::int32_t>>();
        }
    }
    if (deciders.size() != 1) {
        refuse(
            from,
            fmt::format(
                "has {} placements{}, expected one; make it with headroom plan --policy P --json",
                deciders.size(),
                deciders.empty() ? "" : fmt::format(" ({})", fmt::join(deciders, ", "))
            )
        );
    }
    return written;
}

runtime::WrittenPlacement read_plan(const std::string& from) {
    std::ifstream file(from);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    try {
        return placement_of(nlohmann::json::parse(text), from);
    } catch (const nlohmann::json::exception& error) {
        // Its own words begin with a code in brackets.
        const std::string what = error.what();
        refuse(
            from,
            fmt::format(
                "is not a plan ({}), {}; make it anew",
                what.substr(std::min(what.size(), what.find("] ") + 2)),
                kExpected
            )
        );
    }
}

runtime::WrittenPlacement read(const std::string& from, std::optional<std::int64_t> at) {
    std::error_code unknown;
    if (!std::filesystem::exists(from, unknown)) {
        refuse_word(from);
    }
    if (std::filesystem::is_directory(from, unknown)) {
        refuse(from, fmt::format("is a directory, {}; name a file in it", kExpected));
    }
    if (std::filesystem::is_regular_file(from, unknown) &&
        std::filesystem::file_size(from, unknown) == 0) {
        refuse(from, fmt::format("is empty, {}; was it written to its end?", kExpected));
    }
    switch (kind_of(from)) {
    case FileKind::trace:
        return runtime::placement_in_force(trace::open_trace(from).trace, from, at);
    case FileKind::model:
        refuse(from, fmt::format("is a model (GGUF), {}; give one of them", kExpected));
    case FileKind::text:
        break;
    }
    return read_plan(from);
}

} // namespace

PlanStart plan_start(
    const PlanCommand& command, const config::Scenario& scenario, const runtime::Outline& outline
) {
    if (!command.previous) {
        return {command.at.value_or(0), std::nullopt};
    }
    const std::string& from = *command.previous;
    if (const auto policy = scheduler::policy_named(from)) {
        return {command.at.value_or(0), runtime::first_choice(scenario, outline, *policy)};
    }
    const runtime::WrittenPlacement written = read(from, command.at);
    const scheduler::Blocks blocks(outline.shape, scenario.controller.cut());
    return {command.at.value_or(written.at), runtime::previous_of(written, scenario.fleet, blocks)};
}

} // namespace headroom::cli
