// The list of event kinds: each scales its own property and nothing else, and the manual has it.
#include <fstream>
#include <map>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "config/scenario/event_kinds.hpp"
#include "scenarios.hpp"

namespace headroom::config {
namespace {

/// Device c has every property that an event can change.
constexpr std::string_view kComplete = R"(
[[device]]
name = "c"
compute = "1 GFLOP/s"
memory = "1 MB"
memory_bandwidth = "3 MB/s"
storage_bandwidth = "1 MB/s"
egress = "1 MB/s"
ingress = "1 MB/s"
)";

scheduler::Fleet fleet_with_event(const EventKind& kind) {
    const std::string_view target = kind.of_link ? "link = [\"a\", \"c\"]" : "device = \"c\"";
    const std::string event = fmt::format(
        "[[event]]\nat = \"1 s\"\nkind = \"{}\"\nfactor = 0.5\n{}\n", kind.name, target
    );
    const std::string text = std::string(kModel) + std::string(kSmall) + std::string(kComplete);
    return parse_scenario(text + event, kFile, {}).fleet;
}

/// Returns how often each property of device c and of the link from a to c changes.
std::map<std::string_view, std::size_t> changes_in(const scheduler::Fleet& fleet) {
    std::map<std::string_view, std::size_t> changes;
    for (const EventKind& kind : kEventKinds) {
        const scheduler::LinkSpec& link = fleet.network.link(DeviceId(0), DeviceId(2));
        const scheduler::Profile& profile =
            kind.of_link ? link.*kind.of_link : fleet.devices[2].*kind.of_device;
        changes[kind.name] = profile.changes.size();
    }
    return changes;
}

TEST(EventKinds, scale_their_own_property_only) {
    for (const EventKind& kind : kEventKinds) {
        for (const auto& [name, count] : changes_in(fleet_with_event(kind))) {
            EXPECT_EQ(count, name == kind.name ? 1 : 0) << kind.name << " changes " << name;
        }
    }
}

TEST(EventKinds, have_one_target) {
    for (const EventKind& kind : kEventKinds) {
        EXPECT_NE(kind.of_device == nullptr, kind.of_link == nullptr) << kind.name;
        EXPECT_TRUE(kind.of_device != nullptr || kind.is_absent == nullptr) << kind.name;
    }
}

TEST(EventKinds, are_listed_in_the_manual) {
    std::vector<std::string> of_device;
    std::vector<std::string> of_link;
    for (const EventKind& kind : kEventKinds) {
        (kind.of_link ? of_link : of_device).push_back(fmt::format("`\"{}\"`", kind.name));
    }
    const std::string expected = fmt::format(
        "| `kind` | device: {}; link: {}; ", fmt::join(of_device, ", "), fmt::join(of_link, ", ")
    );
    std::ostringstream manual;
    manual << std::ifstream(HEADROOM_SOURCE_DIR "/docs/reference/scenario.md").rdbuf();
    EXPECT_NE(manual.str().find(expected), std::string::npos) << expected;
}

} // namespace
} // namespace headroom::config
