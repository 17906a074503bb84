// Damaged scenarios are read, or refused with an InputError. Nothing crashes or throws otherwise.
#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "scenarios.hpp"

namespace headroom::config {
namespace {

/// Returns the text with one to three random changes: a byte replaced, removed or inserted, or a
/// piece repeated.
std::string damaged(std::string text, Random& random) {
    const std::uint64_t wounds = 1 + random.below(3);
    for (std::uint64_t i = 0; i < wounds; ++i) {
        const std::size_t at = random.below(text.size());
        switch (random.below(8)) {
        case 0:
            text[at] = static_cast<char>(random.below(256));
            break;
        case 1:
            text.erase(at, 1 + random.below(8));
            break;
        case 2:
            text.insert(at, 1, static_cast<char>(random.below(256)));
            break;
        case 3:
            text.insert(at, text.substr(random.below(text.size()), random.below(60)));
            break;
        case 4:
            text[at] = "0123456789-.e\"[]={}"[random.below(19)];
            break;
        default: // replaces a digit by another one, which is often valid
            text[std::min(text.find_first_of("0123456789", at), text.size() - 1)] =
                "0123456789"[random.below(10)];
            break;
        }
    }
    return text;
}

/// Returns whether the text was read. If not, it must have been refused with at least one problem.
bool read_or_refused(const std::string& text, std::uint64_t seed) {
    try {
        const Scenario scenario = read(text);
        const Scenario again = parse_scenario(resolved_text(scenario), scenario.path, {});
        EXPECT_TRUE(equivalent(scenario, again)) << "seed " << seed << '\n' << text;
        return true;
    } catch (const InputError& error) {
        EXPECT_FALSE(error.problems().empty()) << "seed " << seed;
        return false;
    }
}

TEST(DamagedScenario, is_refused_or_read_and_then_round_trips) {
    int accepted = 0;
    constexpr std::uint64_t kRuns = 600;
    for (std::uint64_t seed = 0; seed < kRuns; ++seed) {
        Random random(stream_seed(seed, "damage"));
        accepted += read_or_refused(damaged(std::string(kEverything), random), seed) ? 1 : 0;
    }
    // Some damage is harmless (another digit, a letter of a prompt); most is not.
    EXPECT_GT(accepted, 30);
    EXPECT_LT(accepted, static_cast<int>(kRuns) / 2);
}

TEST(DamagedSetting, is_refused_or_read) {
    const std::vector<std::string> right{
        "network.link.0.latency=\"3 ms\"",
        "workload.arrivals={ poisson = \"30 /min\", seed = 3 }",
        "workload.arrivals=[\"0 s\", \"1.5 s\", \"2 s\", \"2 s\", \"3 s\", \"1 min\"]",
        "workload.tokens=[12, 3, 44]",
        "controller.batch=auto"};
    for (const std::string& setting : right) {
        EXPECT_NO_THROW((void)read(std::string(kEverything), {.set = {setting}})) << setting;
    }
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        Random random(stream_seed(seed, "damage setting"));
        const std::string setting = damaged(right[seed % right.size()], random);
        try {
            const Scenario scenario = read(std::string(kEverything), {.set = {setting}});
            EXPECT_EQ(arrival_times(scenario).size(), scenario.workload.requests()) << setting;
        } catch (const InputError& error) {
            EXPECT_FALSE(error.problems().empty()) << "seed " << seed;
        }
    }
}

} // namespace
} // namespace headroom::config
