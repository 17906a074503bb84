// Problems are reported together, in the order of the file. Also the problems that involve other
// files or several tables.
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenarios.hpp"

namespace headroom::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST(Problems, are_reported_together_in_file_order) {
    const std::string text = R"([clock]
mode = "fast"
[controller]
interval = 0
[[device]]
memory = "2"
memroy = "2 B"
[[event]]
at = 1
device = 7
kind = "leave"
[workload]
tokens = 0
)";
    EXPECT_THAT(
        problems_of(text),
        ElementsAre(
            StartsWith("dir/s.toml:1:1: model.file is missing"),
            StartsWith("dir/s.toml:2:8: clock.mode"),
            StartsWith("dir/s.toml:4:12: controller.interval"),
            StartsWith("dir/s.toml:5:1: device.0.compute is missing"),
            StartsWith("dir/s.toml:6:10: device.0.memory"),
            StartsWith("dir/s.toml:7:1: unknown key 'memroy'"),
            StartsWith("dir/s.toml:9:6: event.0.at"),
            StartsWith("dir/s.toml:10:10: event.0.device"),
            StartsWith("dir/s.toml:11:8: event.0.kind"),
            StartsWith("dir/s.toml:13:10: workload.tokens")
        )
    );
}

TEST(Problems, only_one_device_may_be_the_source) {
    std::string text = in_device("source = true");
    text.insert(text.find("[[device]]\nname = \"b\""), "source = true\n");
    EXPECT_THAT(
        problems_of(text),
        ElementsAre(
            "dir/s.toml:11:10: device.1.source = true a second time; a is the source already"
        )
    );
}

TEST(Problems, random_links_are_refused_for_large_fleets) {
    const auto fleet = [](int count, const std::string& kind) {
        return std::string(kModel) +
               "[[device]]\ncompute = \"1 FLOP/s\"\nmemory = \"1 B\"\ncount = " +
               std::to_string(count) +
               "\n[network]\nbandwidth = \"1 B/s\"\nlatency = 0\nvariation = " + kind;
    };
    const std::string uniform = "{ kind = \"uniform\", low = 0, high = 0.5, period = \"1 s\" }";
    const std::string walk =
        "{ kind = \"walk\", low = 0, high = 0.5, step = 0.1, period = \"1 s\" }";
    EXPECT_THAT(problems_of(fleet(257, uniform)), ElementsAre(HasSubstr("at most 256 devices")));
    EXPECT_THAT(problems_of(fleet(65, walk)), ElementsAre(HasSubstr("at most 64 devices")));
    EXPECT_THAT(problems_of(fleet(256, uniform)), IsEmpty());
    EXPECT_THAT(problems_of(fleet(5000, "0.5")), IsEmpty());
}

TEST(Problems, unreadable_files_are_reported) {
    const auto message = [](const std::filesystem::path& path) -> std::string {
        try {
            (void)load_scenario(path, {});
        } catch (const InputError& error) {
            return error.what();
        }
        return "";
    };
    EXPECT_EQ(message("no/such.toml"), "no/such.toml: there is no such scenario file");
    EXPECT_EQ(message("/"), "/: a directory, not a scenario file");
    EXPECT_THAT(message("/dev/null"), HasSubstr("model.file is missing"));
}

} // namespace
} // namespace headroom::config
