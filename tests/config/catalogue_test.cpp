// The compiled catalogue equals data/, every figure has a source, and scenarios can use all
// entries.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/sections/catalogue.hpp"
#include "scenarios.hpp"

namespace headroom::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

std::string file_of_the_repository(const std::filesystem::path& name) {
    std::ifstream file(std::filesystem::path(HEADROOM_SOURCE_DIR) / name);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string data_file(const std::string& name) {
    return file_of_the_repository(std::filesystem::path("data") / name);
}

TEST(Catalogue, compiled_into_the_program_equals_that_of_the_repository) {
    EXPECT_FALSE(data_file("devices.toml").empty());
    EXPECT_EQ(device_profiles_text(), data_file("devices.toml"));
    EXPECT_EQ(network_presets_text(), data_file("networks.toml"));
    EXPECT_EQ(model_presets_text(), data_file("models.toml"));
}

TEST(Catalogue, has_unique_names_and_positive_figures) {
    std::set<std::string> names;
    for (const DeviceProfile& profile : device_profiles()) {
        SCOPED_TRACE(profile.name);
        EXPECT_TRUE(names.insert(profile.name).second);
        EXPECT_TRUE(std::regex_match(profile.name, std::regex("[a-z0-9]+(-[a-z0-9]+)*")));
        EXPECT_GT(profile.compute.value, 0);
        EXPECT_GT(profile.memory, 0);
        EXPECT_LT(profile.memory, profile.ram);
        EXPECT_GT(profile.memory_bandwidth.value, 0);
    }
    for (const NetworkPreset& preset : network_presets()) {
        SCOPED_TRACE(preset.name);
        EXPECT_TRUE(names.insert(preset.name).second);
        EXPECT_TRUE(std::regex_match(preset.name, std::regex("[a-z0-9.]+(-[a-z0-9.]+)*")));
        EXPECT_GT(preset.bandwidth.value, 0);
        EXPECT_GT(preset.latency.value, 0);
    }
    EXPECT_GE(names.size(), 29U);
}

TEST(Catalogue, gives_figures_in_base_units_and_a_profile_per_size_of_memory) {
    const DeviceProfile* const pi = find_entry(device_profiles(), "raspberry-pi-5");
    ASSERT_NE(pi, nullptr);
    EXPECT_EQ(pi->compute.value, 60'400'000'000);
    EXPECT_EQ(pi->compute.origin, Origin::derived);
    EXPECT_EQ(pi->ram, Bytes{8} << 30);
    EXPECT_EQ(pi->memory, (Bytes{8} << 30) - (Bytes{1} << 29));
    EXPECT_EQ(pi->memory_bandwidth.value, 9'200'000'000);
    EXPECT_EQ(pi->memory_bandwidth.origin, Origin::measured);
    EXPECT_EQ(pi->storage_bandwidth.value().value, 85'000'000);
    EXPECT_EQ(pi->storage_bandwidth.value().origin, Origin::limit);
    const DeviceProfile* const small = find_entry(device_profiles(), "raspberry-pi-5-4gb");
    ASSERT_NE(small, nullptr);
    EXPECT_EQ(small->memory, (Bytes{4} << 30) - (Bytes{1} << 29));
    EXPECT_EQ(small->compute.value, pi->compute.value);
    EXPECT_EQ(find_entry(device_profiles(), "raspberry-pi-5-8gb")->memory, pi->memory);
    EXPECT_EQ(find_entry(device_profiles(), "raspberry-pi-3b-plus-1gb"), nullptr)
        << "it has one size only";
    EXPECT_FALSE(find_entry(device_profiles(), "jetson-agx-orin")->storage_bandwidth);
    EXPECT_EQ(find_entry(network_presets(), "gigabit-ethernet")->bandwidth.value, 117'625'000);
    EXPECT_EQ(find_entry(network_presets(), "gigabit-ethernet")->latency.value, 150'000);
    EXPECT_EQ(find_entry(network_presets(), "token-ring"), nullptr);
}

std::string cell(const SourcedFigure& figure) {
    return fmt::format("{} ({})", figure.written, name_of(figure.origin));
}

/// Returns the row of the table in docs/reference/catalogue.md that the profile must have.
std::string device_row(const DeviceProfile& p) {
    return fmt::format(
        "| `{}` | {} | {} | {} | {} |\n",
        p.name,
        cell(p.compute),
        format_bytes(p.memory),
        cell(p.memory_bandwidth),
        p.storage_bandwidth ? cell(*p.storage_bandwidth) : "none found"
    );
}

std::string network_row(const NetworkPreset& p) {
    return fmt::format("| `{}` | {} | {} |\n", p.name, cell(p.bandwidth), cell(p.latency));
}

std::string model_row(const ModelPreset& p) {
    return fmt::format(
        "| `{}` | {} | {} | {} | {} | {} | {} | {} | {} |\n",
        p.name,
        p.shape.layers,
        p.shape.heads,
        p.shape.kv_heads,
        p.shape.width,
        p.shape.ffn_width,
        p.shape.vocabulary,
        p.shape.context,
        p.parameters
    );
}

/// Returns the rows that the page lacks.
std::string rows_missing_in(const std::string& page) {
    std::string missing;
    const auto need = [&](const std::string& row) {
        missing += page.find(row) == std::string::npos ? row : "";
    };
    for (const DeviceProfile& profile : device_profiles()) {
        if (!profile.variant) {
            need(device_row(profile));
        }
    }
    for (const NetworkPreset& preset : network_presets()) {
        need(network_row(preset));
    }
    for (const ModelPreset& preset : model_presets()) {
        need(model_row(preset));
    }
    return missing;
}

TEST(Catalogue, printed_tables_have_every_row) {
    std::string page = file_of_the_repository("docs/reference/catalogue.md");
    EXPECT_EQ(rows_missing_in(page), "");
    page.replace(page.find("9.2 GB/s"), 3, "9.3"); // twin: one wrong digit is found
    EXPECT_THAT(rows_missing_in(page), StartsWith("| `raspberry-pi-5` | 60.4 GFLOP/s (derived)"));
}

constexpr std::string_view kProfile = R"([box]
title = "Box"
compute = { value = "1 GFLOP/s", kind = "measured", how = "x", source = "y" }
ram = { choices = ["2 GiB", "1 GiB"], source = "y" }
reserve = "512 MiB"
memory_bandwidth = { value = "1 GB/s", kind = "limit", how = "x", source = "y" }
storage_bandwidth_unknown = "nothing found"
)";

std::vector<std::string> profile_problems(std::string_view from, std::string_view to) {
    std::string text(kProfile);
    text.replace(text.find(from), from.size(), to);
    try {
        (void)parse_device_profiles(text, "d.toml");
        return {};
    } catch (const InputError& error) {
        return error.problems();
    }
}

TEST(Catalogue, is_read_strictly) {
    EXPECT_THAT(profile_problems("Box", "Box 2"), IsEmpty());
    EXPECT_THAT(
        profile_problems("title", "titel"),
        ElementsAre("d.toml:2:1: unknown key 'titel' in [box]; did you mean 'title'?")
    );
    EXPECT_THAT(
        profile_problems("kind = \"measured\"", "kind = \"guessed\""),
        ElementsAre("d.toml:3:41: box.compute.kind: expected \"measured\", \"derived\" or "
                    "\"limit\"; found \"guessed\"")
    );
    EXPECT_THAT(
        profile_problems(", source = \"y\" }\nram", " }\nram"),
        ElementsAre("d.toml:3:11: box.compute.source is missing; give a text")
    );
    EXPECT_THAT(
        profile_problems("how = \"x\"", "how = \"\""),
        ElementsAre("d.toml:3:59: box.compute.how is empty")
    );
    EXPECT_THAT(
        profile_problems("\"1 GB/s\"", "\"1 GB\""),
        ElementsAre(HasSubstr("box.memory_bandwidth.value: expected a data rate"))
    );
    EXPECT_THAT(
        profile_problems("512 MiB", "1 GiB"),
        ElementsAre("d.toml:1:1: box.reserve leaves no memory for a model")
    );
    EXPECT_THAT(profile_problems("2 GiB", "2 GB"), ElementsAre(HasSubstr("expected whole GiB")));
    EXPECT_THAT(
        profile_problems("storage_bandwidth_unknown = \"nothing found\"", ""),
        ElementsAre(HasSubstr("box.storage_bandwidth is missing"))
    );
    EXPECT_THAT(
        profile_problems("reserve = \"512 MiB\"", ""),
        ElementsAre(HasSubstr("box.reserve is missing"))
    );
    EXPECT_THROW((void)parse_network_presets("[x]\ntitle = \"t\"", "n.toml"), InputError);
}

/// Returns a fleet of one device with these lines.
std::string device(std::string_view lines) {
    return std::string(kModel) + "[[device]]\n" + std::string(lines) + "\n";
}

TEST(Profile, sets_figures_that_explicit_keys_override) {
    const Scenario plain = read(device("profile = \"raspberry-pi-5\""));
    const DeviceConfig expected{
        .name = "device-0",
        .profile = "raspberry-pi-5",
        .compute = 60'400'000'000,
        .memory = (Bytes{8} << 30) - (Bytes{1} << 29),
        .memory_bandwidth = 9'200'000'000,
        .storage_bandwidth = 85'000'000,
    };
    EXPECT_EQ(plain.declared.devices.at(0), expected);
    EXPECT_EQ(plain.fleet.devices.at(0).memory_bandwidth.at(0, 0).value, 9'200'000'000);

    const Scenario written = read(
        device("profile = \"raspberry-pi-5-4gb\"\ncompute = \"1 GFLOP/s\"\nmemory_bandwidth = \"2 "
               "GB/s\"\nstorage_bandwidth = \"500 MB/s\"")
    );
    EXPECT_EQ(written.declared.devices.at(0).compute, 1'000'000'000);
    EXPECT_EQ(written.declared.devices.at(0).memory, (Bytes{4} << 30) - (Bytes{1} << 29));
    EXPECT_EQ(written.declared.devices.at(0).memory_bandwidth, 2'000'000'000);
    EXPECT_EQ(written.declared.devices.at(0).storage_bandwidth, 500'000'000);
    EXPECT_FALSE(read(device("profile = \"n100-mini-pc\"")).fleet.devices[0].has_storage);
}

TEST(Profile, every_one_makes_a_device_that_round_trips) {
    for (const DeviceProfile& profile : device_profiles()) {
        const Scenario scenario = read(device(fmt::format("profile = \"{}\"", profile.name)));
        const std::string text = resolved_text(scenario);
        EXPECT_TRUE(equivalent(scenario, parse_scenario(text, scenario.path, {}))) << text;
    }
}

TEST(Profile, is_not_looked_up_in_a_resolved_text) {
    const Scenario scenario = read(device("profile = \"raspberry-pi-5\""));
    std::string text = resolved_text(scenario);
    EXPECT_THAT(text, HasSubstr("\nfrom_profile = \"raspberry-pi-5\"\ncompute = \"60400000000"));
    EXPECT_THAT(text, Not(HasSubstr("\nprofile")));
    text.replace(text.find("\"raspberry-pi-5\""), 16, "\"of another catalogue\"");
    const Scenario later = parse_scenario(text, kFile, {});
    EXPECT_EQ(later.declared.devices.at(0).compute, 60'400'000'000);
    EXPECT_EQ(later.declared.devices.at(0).profile, "of another catalogue");
    EXPECT_EQ(resolved_text(later), text);
}

TEST(Profile, errors_are_reported_once) {
    EXPECT_THAT(
        problems_of(device("profile = \"raspbery-pi-5\"")),
        ElementsAre("dir/s.toml:3:11: device.0.profile = \"raspbery-pi-5\" is not in the "
                    "catalogue; did you mean \"raspberry-pi-5\"?")
    );
    const auto far = problems_of(device("profile = \"toaster\""));
    ASSERT_EQ(far.size(), 1U);
    EXPECT_THAT(
        far[0],
        StartsWith("dir/s.toml:3:11: device.0.profile = \"toaster\" is not in the catalogue; "
                   "there are raspberry-pi-3b-plus, raspberry-pi-4, raspberry-pi-5, jetson-nano, ")
    );
    EXPECT_THAT(far[0], Not(HasSubstr("-8gb"))) << "sizes of memory would only lengthen the list";
    EXPECT_THAT(
        problems_of(device("profile = 5")),
        ElementsAre("dir/s.toml:3:11: device.0.profile: expected a name of the catalogue, in "
                    "quotes; found 5")
    );
    EXPECT_THAT(
        problems_of(device("profile = \"raspberry-pi-5\"\nfrom_profile = \"x\"")),
        ElementsAre("dir/s.toml:4:16: device.0.from_profile and profile exclude each other; give "
                    "one of them")
    );
    EXPECT_THAT(
        problems_of(device("profile = \"raspberry-pi-4\"") + "[fleet]\ncompute_scale = 1e-8"),
        ElementsAre("dir/s.toml:3:11: device.0.profile gives a storage_bandwidth that is rounded "
                    "down to 0 by its scale in [fleet]")
    );
    EXPECT_THAT(
        problems_of(device("name = \"x\"")),
        ElementsAre(
            HasSubstr("device.0.compute is missing; give a value such as \"30 GFLOP/s\", or a "
                      "profile"),
            HasSubstr("device.0.memory is missing")
        )
    );
}

/// Returns a scenario of two devices with these lines at the end.
std::string two(std::string_view lines) {
    return device("profile = \"raspberry-pi-4\"\ncount = 3") + std::string(lines);
}

TEST(Preset, sets_bandwidth_and_latency_that_explicit_keys_override) {
    const Scenario s = read(two("[network]\npreset = \"wifi-5ghz\"\nlatency = \"1 ms\"\n"
                                "[[network.link]]\nfrom = 0\nto = 1\npreset = \"fast-ethernet\"\n"
                                "[[network.link]]\nfrom = 0\nto = 2\npreset = \"4g\"\n"
                                "bandwidth = \"1 Mbit/s\"\nboth = false"));
    EXPECT_EQ(s.declared.network.bandwidth, 28'250'000);
    EXPECT_EQ(s.declared.network.latency, 1'000'000);
    EXPECT_THAT(
        s.declared.network.links,
        ElementsAre(
            LinkConfig{DeviceId(0), DeviceId(1), 11'750'000, 150'000},
            LinkConfig{DeviceId(1), DeviceId(0), 11'750'000, 150'000},
            LinkConfig{DeviceId(0), DeviceId(2), 125'000, 70'000'000}
        )
    );
    const std::string text = resolved_text(s);
    EXPECT_THAT(text, Not(HasSubstr("preset")));
    EXPECT_TRUE(equivalent(s, parse_scenario(text, kFile, {})));
}

TEST(Preset, errors_are_reported_once) {
    EXPECT_THAT(
        problems_of(two("[network]\npreset = \"gigabit-ethernt\"")),
        ElementsAre("dir/s.toml:6:10: network.preset = \"gigabit-ethernt\" is not in the "
                    "catalogue; did you mean \"gigabit-ethernet\"?")
    );
    EXPECT_THAT(
        problems_of(two("[network]\npreset = \"pigeon\"")),
        ElementsAre("dir/s.toml:6:10: network.preset = \"pigeon\" is not in the catalogue; there "
                    "are fast-ethernet, gigabit-ethernet, wifi-2.4ghz, wifi-5ghz, wifi-6, 4g, 5g, "
                    "thunderbolt-4, thunderbolt-5-rdma")
    );
    EXPECT_THAT(
        problems_of(two("[network]\nlatency = 0")),
        ElementsAre("dir/s.toml:5:1: network.bandwidth is missing; several devices need it, or a "
                    "preset")
    );
}

} // namespace
} // namespace headroom::config
