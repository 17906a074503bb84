#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "config/scenarios.hpp"
#include "fuzz/inputs.hpp"
#include "fuzz/mutate.hpp"

namespace headroom::fuzz {

namespace {

constexpr std::array kOptions{
    "@policy=greedy",
    "@clock=paced",
    "@prompt=Once \xC3\xA4",
    "@interval=3",
    "@tokens=12",
    "@seed=18446744073709551615",
    "device.0.memory=\"1 GiB\"",
    "device.1.count=3",
    "network.latency=\"3 ms\"",
    "network.link.0.latency=7 ms",
    "workload.prompts=[\"a\", \"b\"]",
    "event.0.factor=0.5",
    "fleet.compute_scale=1e-3",
    "controller.policy=exact",
    "controller.granularity=sliced",
    "workload.temperature=0.7",
};

/// Returns the scenarios of data/ and those of the tests, one of which has every key.
std::vector<std::string> valid_scenarios() {
    std::vector<std::filesystem::path> paths;
    const auto folder = std::filesystem::path(HEADROOM_SOURCE_DIR) / "data" / "scenarios";
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    std::vector<std::string> texts{std::string(config::kEverything), config::small_with("")};
    for (const auto& path : paths) {
        std::ifstream file(path, std::ios::binary);
        texts.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return texts;
}

} // namespace

std::string scenario_input(Random& random) {
    static const std::vector<std::string> valid = valid_scenarios();
    // The first scenario, which has every key, is used at least half of the time.
    const auto any = [&]() -> const std::string& {
        return valid[random.below(2) * random.below(valid.size())];
    };
    std::string input = any();
    if (random.below(10) > 0) {
        damage_text(input, any(), random);
    }
    while (random.below(2) == 0) {
        std::string option = kOptions[random.below(kOptions.size())];
        if (random.below(2) == 0) {
            damage_text(option, kOptions[random.below(kOptions.size())], random);
        }
        input += '\0' + option;
    }
    return input;
}

} // namespace headroom::fuzz
