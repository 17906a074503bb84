// The compiled catalogue equals data/, every figure has a source, and scenarios can use all
// entries.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/sections/catalogue.hpp"
#include "config/sections/shape_section.hpp"
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
        EXPECT_EQ(preset.nic.has_value(), preset.name.ends_with("-ethernet"));
        EXPECT_EQ(preset.medium.has_value(), preset.name.starts_with("wifi"));
        EXPECT_GE(value_of(preset.medium).value_or(kUnlimited), preset.bandwidth.value);
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
    EXPECT_EQ(pi->memory_bandwidth.value, 9'970'000'000);
    EXPECT_EQ(pi->memory_bandwidth.origin, Origin::fitted);
    EXPECT_THAT(pi->memory_bandwidth.fitted_with, HasSubstr("tinyllama-1.1b q8_0 decode"));
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

std::string cell(const std::optional<SourcedFigure>& figure) {
    return figure ? cell(*figure) : "none";
}

std::string overheads_row(const DeviceProfile& p) {
    return fmt::format(
        "| `{}` | {} | {} |\n", p.name, cell(p.operation_overhead), cell(p.message_overhead)
    );
}

std::string rates_row(const DeviceProfile& p, const ProfileRates& rates) {
    return fmt::format(
        "| `{}` | {} | {} | {} | {} |\n",
        p.name,
        name_of(rates.type),
        cell(rates.compute),
        cell(rates.memory_bandwidth),
        cell(rates.prefill_compute)
    );
}

std::string network_row(const NetworkPreset& p) {
    return fmt::format(
        "| `{}` | {} | {} | {} | {} |\n",
        p.name,
        cell(p.bandwidth),
        cell(p.latency),
        cell(p.nic),
        cell(p.medium)
    );
}

/// Returns what sets a shape apart from one of Llama, separated by commas.
std::string features_of(const ModelPreset& p) {
    const ModelShape& shape = p.shape;
    std::vector<std::string> found;
    const auto add = [&](bool has, std::string text) {
        if (has) {
            found.push_back(std::move(text));
        }
    };
    add(shape.tied, "tied");
    add(!shape.gated, "plain FFN");
    add(shape.experts > 0, fmt::format("{} of {} experts", shape.experts_used, shape.experts));
    add(shape.qkv_bias, "biases");
    add(shape.qk_norm != QkNorm::none, fmt::format("q/k norms: {}", name_of(shape.qk_norm)));
    add(shape.norm_place != NormPlace::before, fmt::format("norms: {}", name_of(shape.norm_place)));
    add(shape.window > 0,
        fmt::format("window {} but for each {}th layer", shape.window, shape.window_period));
    return fmt::format("{}", fmt::join(found, ", "));
}

std::string model_row(const ModelPreset& p) {
    return fmt::format(
        "| `{}` | {} | {} × {} | {} | {} | {} | {} | {} | {} | {} |\n",
        p.name,
        p.shape.layers,
        p.shape.heads,
        p.shape.head_width(),
        p.shape.kv_heads,
        p.shape.width,
        p.shape.ffn_width,
        p.shape.vocabulary,
        p.shape.context,
        features_of(p),
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
        if (profile.variant) {
            continue;
        }
        need(device_row(profile));
        if (profile.operation_overhead || profile.message_overhead) {
            need(overheads_row(profile));
        }
        for (const ProfileRates& rates : profile.rates) {
            need(rates_row(profile, rates));
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
    page.replace(page.find("9.97 GB/s"), 4, "9.98"); // twin: one wrong digit is found
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

/// What a profile may have in addition.
constexpr std::string_view kCosts =
    R"(operation_overhead = { value = "20 us", kind = "fitted", how = "x", source = "y", fitted_with = "tiny models" }
message_overhead = { value = "0.5 ms", kind = "published", how = "x", source = "y", note = "by TCP" }
[box.rates.q4_0]
compute = { value = "2 GFLOP/s", kind = "fitted", how = "x", source = "y", fitted_with = "decode" }
prefill_compute = { value = "3 GFLOP/s", kind = "derived", how = "x", source = "y" }
[box.rates.q8_0]
memory_bandwidth = { value = "4 GB/s", kind = "measured", how = "x", source = "y" }
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
        ElementsAre("d.toml:3:41: box.compute.kind: expected \"measured\", \"derived\", "
                    "\"published\", \"fitted\" or \"limit\"; found \"guessed\"")
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

TEST(Catalogue, reads_rates_overheads_and_where_they_come_from) {
    const std::string text = std::string(kProfile) + std::string(kCosts);
    const std::vector<DeviceProfile> profiles = parse_device_profiles(text, "d.toml");
    ASSERT_EQ(profiles.size(), 3U); // the profile and its two sizes of memory
    for (const DeviceProfile& box : profiles) {
        ASSERT_EQ(box.rates.size(), 2U);
        EXPECT_EQ(box.rates[0].type, WeightType::q8_0);
        EXPECT_EQ(value_of(box.rates[0].compute), std::nullopt);
        EXPECT_EQ(value_of(box.rates[0].memory_bandwidth), 4'000'000'000);
        EXPECT_EQ(box.rates[1].type, WeightType::q4_0);
        EXPECT_EQ(value_of(box.rates[1].compute), 2'000'000'000);
        EXPECT_EQ(box.rates[1].compute->fitted_with, "decode");
        EXPECT_EQ(value_of(box.rates[1].prefill_compute), 3'000'000'000);
        EXPECT_EQ(value_of(box.operation_overhead), 20'000);
        EXPECT_EQ(box.operation_overhead->origin, Origin::fitted);
        EXPECT_EQ(value_of(box.message_overhead), 500'000);
        EXPECT_EQ(box.message_overhead->origin, Origin::published);
        EXPECT_EQ(box.message_overhead->note, "by TCP");
    }
    EXPECT_TRUE(parse_device_profiles(kProfile, "d.toml").front().rates.empty());
}

TEST(Catalogue, reads_rates_and_overheads_strictly) {
    const auto problems = [](std::string_view from, std::string_view to) {
        const std::string more = std::string(kProfile) + std::string(kCosts);
        std::string text = more;
        text.replace(text.find(from), from.size(), to);
        try {
            (void)parse_device_profiles(text, "d.toml");
            return std::vector<std::string>();
        } catch (const InputError& error) {
            return error.problems();
        }
    };
    EXPECT_THAT(
        problems(", fitted_with = \"tiny models\"", ""),
        ElementsAre(HasSubstr("box.operation_overhead.fitted_with is missing; give a text"))
    );
    EXPECT_THAT(
        problems("note = \"by TCP\"", "fitted_with = \"x\""),
        ElementsAre(HasSubstr("box.message_overhead.fitted_with is only for kind = \"fitted\""))
    );
    EXPECT_THAT(
        problems("\"20 us\"", "\"2 s\""), ElementsAre(HasSubstr("box has an overhead above 1 s"))
    );
    EXPECT_THAT(
        problems("box.rates.q8_0", "box.rates.q8_1"),
        ElementsAre(HasSubstr("unknown key 'q8_1' in [box.rates]; did you mean 'q8_0'?"))
    );
    EXPECT_THAT(
        problems("prefill_compute", "prefil_compute"),
        ElementsAre(HasSubstr(
            "unknown key 'prefil_compute' in [box.rates.q4_0]; did you mean 'prefill_compute'?"
        ))
    );
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
        .memory_bandwidth = 9'970'000'000,
        .storage_bandwidth = 85'000'000,
        .rates =
            {{WeightType::q8_0, std::nullopt, std::nullopt, 90'400'000'000},
             {WeightType::q4_0, 30'800'000'000, std::nullopt, 211'000'000'000}},
        .message_overhead = 43'400,
    };
    EXPECT_EQ(plain.declared.devices.at(0), expected);
    EXPECT_EQ(plain.fleet.devices.at(0).memory_bandwidth.at(0, 0).value, 9'970'000'000);

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

TEST(Profile, gives_rates_and_overheads_that_single_keys_override) {
    const auto found = std::ranges::find_if(device_profiles(), [](const DeviceProfile& profile) {
        return !profile.rates.empty() && profile.rates.front().compute;
    });
    if (found == device_profiles().end()) {
        GTEST_SKIP() << "no profile has rates of a weight type";
    }
    const ProfileRates& rates = found->rates.front();
    const std::string profile = fmt::format("profile = \"{}\"\n", found->name);
    const DeviceConfig plain = read(device(profile)).declared.devices.at(0);
    ASSERT_EQ(plain.rates.size(), found->rates.size());
    EXPECT_EQ(plain.rates.front().compute, value_of(rates.compute));
    EXPECT_EQ(plain.operation_overhead, value_of(found->operation_overhead).value_or(0));
    const DeviceConfig changed =
        read(device(
                 profile + fmt::format(
                               "operation_overhead = \"3 us\"\n[device.rates.{}]\n"
                               "memory_bandwidth = \"7 B/s\"",
                               name_of(rates.type)
                           )
             ))
            .declared.devices.at(0);
    EXPECT_EQ(changed.operation_overhead, 3'000);
    EXPECT_EQ(changed.rates.front().compute, plain.rates.front().compute);
    EXPECT_EQ(changed.rates.front().memory_bandwidth, 7);
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
                   "there are raspberry-pi-3b-plus, raspberry-pi-4, raspberry-pi-400, ")
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

TEST(Preset, of_ethernet_limits_devices_that_have_no_limit) {
    const Scenario s = read(
        device("profile = \"raspberry-pi-4\"\negress = \"5 MB/s\"") +
        two("[network]\npreset = \"gigabit-ethernet\"").substr(std::string(kModel).size())
    );
    EXPECT_EQ(s.declared.devices[0].egress, 5'000'000);
    EXPECT_EQ(s.declared.devices[0].ingress, 117'625'000);
    EXPECT_EQ(s.declared.devices[3].egress, 117'625'000);
    EXPECT_EQ(s.declared.devices[3].ingress, 117'625'000);
    EXPECT_TRUE(s.declared.network.media.empty());
    EXPECT_TRUE(equivalent(s, parse_scenario(resolved_text(s), kFile, {})));
    const Scenario link =
        read(two("[network]\nbandwidth = \"1 MB/s\"\nlatency = 0\n[[network.link]]\nfrom = 0\nto "
                 "= 1\npreset = \"gigabit-ethernet\""));
    EXPECT_EQ(link.declared.devices[0].egress, kUnlimited) << "it is the preset of a link";
    const Scenario one =
        read(device("profile = \"raspberry-pi-4\"") + "[network]\npreset = \"gigabit-ethernet\"");
    EXPECT_EQ(one.declared.devices[0].egress, kUnlimited) << "there is nobody to send to";
}

TEST(Preset, of_wifi_is_a_medium_of_all_devices) {
    const std::string wifi = "[network]\npreset = \"wifi-5ghz\"\n";
    const Scenario s = read(two(wifi));
    EXPECT_THAT(
        s.declared.network.media,
        ElementsAre(MediumConfig{{DeviceId(0), DeviceId(1), DeviceId(2)}, 30'375'000})
    );
    EXPECT_THAT(resolved_text(s), HasSubstr("members = \"all\"\ncapacity = \"30375000 B/s\""));
    EXPECT_TRUE(equivalent(s, parse_scenario(resolved_text(s), kFile, {})));
    const Scenario own = read(two(wifi + "[[network.medium]]\nmembers = [2, 0]"));
    EXPECT_THAT(
        own.declared.network.media,
        ElementsAre(MediumConfig{{DeviceId(0), DeviceId(2)}, 30'375'000})
    );
    EXPECT_TRUE(read(two(wifi + "medium = []")).declared.network.media.empty());
    EXPECT_TRUE(read(device("profile = \"raspberry-pi-4\"") + wifi).declared.network.media.empty());
    EXPECT_THAT(
        problems_of(two(wifi + "[fleet]\nbandwidth_scale = 1e-8")),
        ElementsAre(
            "dir/s.toml:6:10: network.preset gives a bandwidth that is rounded down to 0 by its "
            "scale in [fleet]",
            "dir/s.toml:6:10: network.preset gives a medium that is rounded down to 0 by its "
            "scale in [fleet]"
        )
    ) << "28250000 and 30375000 times 1e-8";
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
