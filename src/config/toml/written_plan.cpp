#include "config/toml/written_plan.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace headroom::config {

namespace {

constexpr std::int64_t kMaxPlanTokens = 1'000'000'000;         // the limit of workload.tokens
constexpr Nanoseconds kMaxPlanClock = 1'000'000'000 * kSecond; // later times still fit in 64 bits
constexpr std::int64_t kMaxDeviceIndex = 65'535;

/// The problem of a plan, thrown inside of this file only.
struct PlanProblem {
    std::string text;
};

std::int64_t checked_count(const nlohmann::json& value, std::string_view name, std::int64_t limit) {
    const bool whole = value.is_number_integer() && value >= 0 && value <= limit;
    if (!whole) {
        throw PlanProblem{fmt::format(
            "{} = {}, expected a whole number from 0 to {}; correct it", name, value.dump(), limit
        )};
    }
    return value.get<std::int64_t>();
}

std::vector<std::int32_t> devices_of(const nlohmann::json& placement) {
    std::vector<std::int32_t> devices;
    for (const nlohmann::json& device : placement) {
        devices.push_back(static_cast<std::int32_t>(
            checked_count(device, "a device of the placement", kMaxDeviceIndex)
        ));
    }
    return devices;
}

WrittenPlan plan_in(const nlohmann::json& json) {
    WrittenPlan plan;
    plan.at = checked_count(json.at("at"), "at", kMaxPlanTokens);
    plan.interval = checked_count(json.at("interval"), "interval", kMaxPlanTokens);
    plan.clock = checked_count(json.at("clock_ns"), "clock_ns", kMaxPlanClock);
    plan.devices = json.at("device_names").get<std::vector<std::string>>();
    plan.blocks = json.at("block_names").get<std::vector<std::string>>();
    std::vector<std::string> deciders;
    for (const nlohmann::json& policy : json.at("policies")) {
        if (policy.contains("placement")) {
            deciders.push_back(policy.at("policy").get<std::string>());
            plan.placement = devices_of(policy.at("placement"));
        }
    }
    if (deciders.size() != 1) {
        throw PlanProblem{fmt::format(
            "has {} placements{}, expected one; make it with headroom plan --policy P --json",
            deciders.size(),
            deciders.empty() ? "" : fmt::format(" ({})", fmt::join(deciders, ", "))
        )};
    }
    return plan;
}

WrittenPlan refused(std::string problem) {
    WrittenPlan plan;
    plan.problem = std::move(problem);
    return plan;
}

} // namespace

WrittenPlan read_written_plan(std::string_view text, std::string_view expected) {
    if (text.empty()) {
        return refused(fmt::format("is empty, {}; was it written to its end?", expected));
    }
    try {
        return plan_in(nlohmann::json::parse(text));
    } catch (const PlanProblem& problem) {
        return refused(problem.text);
    } catch (const nlohmann::json::exception& error) {
        // The library's message begins with an error code in brackets.
        const std::string what = error.what();
        return refused(fmt::format(
            "is not a plan ({}), {}; make it anew",
            what.substr(std::min(what.size(), what.find("] ") + 2)),
            expected
        ));
    }
}

} // namespace headroom::config
