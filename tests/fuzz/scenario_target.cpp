#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "config/scenario/scenario.hpp"
#include "fuzz/targets.hpp"
#include "scheduler/core/fleet.hpp"

namespace headroom::fuzz {

namespace {

/// Larger fleets are not tested with a snapshot, which has an entry for every pair of devices.
constexpr std::size_t kMaxSnapshotDevices = 40;

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> parts{""};
    for (const char c : text) {
        if (c == '\0') {
            parts.emplace_back();
        } else {
            parts.back() += c;
        }
    }
    return parts;
}

template <class Number>
std::optional<Number> number_in(std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole ? std::optional(value) : std::nullopt;
}

void add_option(std::string_view option, config::Overrides& overrides) {
    const std::string value(option.substr(std::min(option.find('=') + 1, option.size())));
    if (option.starts_with("@policy=")) {
        overrides.policy = value;
    } else if (option.starts_with("@clock=")) {
        overrides.clock = value;
    } else if (option.starts_with("@prompt=")) {
        overrides.prompts.push_back(value);
    } else if (option.starts_with("@interval=")) {
        overrides.interval = number_in<std::int64_t>(value);
    } else if (option.starts_with("@tokens=")) {
        overrides.tokens = number_in<std::int64_t>(value);
    } else if (option.starts_with("@seed=")) {
        overrides.seed = number_in<std::int64_t>(value);
    } else {
        overrides.set.emplace_back(option);
    }
}

} // namespace

int fuzz_scenario(std::span<const std::byte> input) {
    const std::vector<std::string> parts =
        split({reinterpret_cast<const char*>(input.data()), input.size()});
    config::Overrides overrides;
    for (std::size_t i = 1; i < parts.size(); ++i) {
        add_option(parts[i], overrides);
    }
    const std::string path = "scenarios/fuzz.toml";
    const config::Scenario scenario = config::parse_scenario(parts[0], path, overrides);
    const std::string resolved = config::resolved_text(scenario);
    const config::Scenario again = config::parse_scenario(resolved, path, {});
    HEADROOM_CHECK(config::equivalent(scenario, again), "not what was read:\n{}", resolved);
    HEADROOM_CHECK(config::resolved_text(again) == resolved, "another text than\n{}", resolved);
    if (scenario.fleet.size() <= kMaxSnapshotDevices) {
        for (const Nanoseconds t : {Nanoseconds{0}, Nanoseconds{1'500'000'000}}) {
            (void)scheduler::take_snapshot(scenario.fleet, t, 40);
        }
    }
    return 1;
}

} // namespace headroom::fuzz
