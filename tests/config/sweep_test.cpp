// Sweep files: their cells, the names of the cells, and their problems.
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/random.hpp"
#include "config/reader/settings.hpp"
#include "config/sweep/sweep.hpp"
#include "config/sweep/sweep_names.hpp"
#include "scenarios.hpp"

namespace headroom::config {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr std::string_view kSweepFile = "dir/sweep.toml";

Sweep read_sweep(const std::string& text) {
    return parse_sweep(text, kSweepFile);
}

std::vector<std::string> sweep_problems(const std::string& text) {
    try {
        (void)read_sweep(text);
        return {};
    } catch (const InputError& error) {
        return error.problems();
    }
}

std::vector<std::string> names_of(const Sweep& sweep) {
    std::vector<std::string> names;
    for (const SweepCell& cell : sweep.cells) {
        names.push_back(cell.name);
    }
    return names;
}

std::vector<std::string> sets_of(const SweepCell& cell) {
    return overrides_of(cell).set;
}

TEST(Sweep, every_combination_is_a_cell_and_the_first_key_varies_slowest) {
    const Sweep sweep = read_sweep(R"(scenario = "home.toml"
[set]
workload.tokens = 32
[grid]
seed = [1, 2]
"controller.policy" = ["ring", "greedy"]
)");
    EXPECT_THAT(sweep.axes, ElementsAre("seed", "controller.policy"));
    EXPECT_THAT(
        names_of(sweep), ElementsAre("seed1-ring", "seed1-greedy", "seed2-ring", "seed2-greedy")
    );
    EXPECT_THAT(
        sets_of(sweep.cells[2]),
        ElementsAre("workload.tokens=32", "seed=2", "controller.policy=\"ring\"")
    );
    EXPECT_EQ(sweep.cells[2].scenario, "dir/home.toml");
    EXPECT_EQ(sweep.cells[2].settings[1].position, "dir/sweep.toml:5:12");
    EXPECT_EQ(sweep.folder, "sweep");
    EXPECT_EQ(sweep.command, SweepCommand::simulate);
}

TEST(Sweep, keys_accept_every_toml_spelling) {
    const Sweep quoted = read_sweep("scenario = \"a.toml\"\n[grid]\n\"controller.interval\" = [4]");
    const Sweep dotted = read_sweep("scenario = \"a.toml\"\n[grid]\ncontroller.interval = [4]");
    const Sweep nested = read_sweep("scenario = \"a.toml\"\n[grid.controller]\ninterval = [4]");
    EXPECT_EQ(sets_of(quoted.cells[0]), sets_of(dotted.cells[0]));
    EXPECT_EQ(sets_of(quoted.cells[0]), sets_of(nested.cells[0]));
}

TEST(Sweep, values_may_be_lists_and_tables) {
    const Sweep sweep = read_sweep(R"(scenario = "a.toml"
[grid]
workload.prompts = [["a", "b"], ["c"]]
network.variation = [0.5, { kind = "uniform", low = 0, high = 0.5, period = "1 s" }]
workload.stop_at_eos = [true]
)");
    ASSERT_EQ(sweep.cells.size(), 4);
    EXPECT_THAT(
        sets_of(sweep.cells[1]),
        ElementsAre(
            "workload.prompts=[\"a\", \"b\"]",
            "network.variation={ high = 0.5, kind = \"uniform\", low = 0, period = \"1 s\" }",
            "workload.stop_at_eos=true"
        )
    );
}

TEST(Sweep, scenarios_and_cases_are_axes_before_the_grid) {
    const Sweep sweep = read_sweep(R"(scenario = ["home.toml", "../fleets/lab.toml"]
command = "run"
transport = "mpi"
trace_ops = true
folder = "results/x"
[[case]]
name = "sliced galaxy"
controller.policy = "galaxy"
controller.granularity = "sliced"
[[case]]
name = "as it is"
[grid]
seed = [1]
)");
    EXPECT_THAT(sweep.axes, ElementsAre("scenario", "case", "seed"));
    EXPECT_THAT(
        names_of(sweep),
        ElementsAre(
            "home-sliced-galaxy-seed1",
            "home-as-it-is-seed1",
            "lab-sliced-galaxy-seed1",
            "lab-as-it-is-seed1"
        )
    );
    EXPECT_EQ(sweep.cells[3].scenario, "fleets/lab.toml");
    EXPECT_THAT(sets_of(sweep.cells[3]), ElementsAre("seed=1"));
    EXPECT_THAT(
        sets_of(sweep.cells[0]),
        ElementsAre("controller.policy=\"galaxy\"", "controller.granularity=\"sliced\"", "seed=1")
    );
    EXPECT_EQ(sweep.command, SweepCommand::run);
    EXPECT_EQ(sweep.transport, SweepTransport::mpi);
    EXPECT_TRUE(sweep.trace_ops);
    EXPECT_EQ(sweep.folder, "results/x");
}

TEST(Sweep, without_a_grid_there_is_one_cell) {
    EXPECT_THAT(names_of(read_sweep("scenario = \"home.toml\"")), ElementsAre("home"));
}

TEST(Sweep, all_problems_are_reported_together) {
    EXPECT_THAT(
        sweep_problems(R"(scenari = "home.toml"
command = "simulat"
transport = "mpi"
folder = ""
[set]
seed = 3
workload.tokens = 1979-05-27
[grid]
controller.policy = []
controller.interval = 4
seed = [1, 2, 1]
[[case]]
seed = 5
)"),
        ElementsAre(
            AllOf(HasSubstr("sweep.toml:1:1: unknown key 'scenari'"), HasSubstr("'scenario'?")),
            AllOf(HasSubstr(":2:11: command: expected"), HasSubstr("did you mean \"simulate\"?")),
            AllOf(HasSubstr(":3:13: transport is for"), HasSubstr("leave it out")),
            AllOf(HasSubstr(":4:10: folder is empty"), HasSubstr("give a folder")),
            AllOf(HasSubstr(":7:"), HasSubstr("found a date or time")),
            AllOf(HasSubstr(":9:"), HasSubstr("grid.controller.policy is empty")),
            AllOf(HasSubstr(":10:"), HasSubstr("expected a list of values; found 4")),
            AllOf(HasSubstr(":11:1: seed stands in [set] and in [grid]"), HasSubstr("leave one")),
            AllOf(HasSubstr(":11:15: seed: 1 is there already"), HasSubstr("leave one out")),
            HasSubstr("case.0.name is missing"),
            HasSubstr("seed stands in [set] and in [[case]]")
        )
    );
}

TEST(Sweep, files_that_are_not_sweeps_are_refused) {
    EXPECT_THAT(
        sweep_problems(small_with("")),
        ElementsAre(AllOf(HasSubstr("a scenario, not a sweep"), HasSubstr("sweep.toml")))
    );
    EXPECT_THAT(sweep_problems("grid = 3\nscenario = 4"), testing::SizeIs(2));
    EXPECT_THAT(sweep_problems("scenario = []"), ElementsAre(HasSubstr("scenario is empty")));
    EXPECT_THAT(
        sweep_problems("scenario = [\"a.toml\", \"a.toml\", 3]"),
        ElementsAre(HasSubstr("a.toml is there already"), HasSubstr("scenario.2: expected"))
    );
    EXPECT_THAT(
        sweep_problems("scenario = \"a\"\n[case]\nname = \"b\""),
        ElementsAre(HasSubstr("each of it written [[case]]"))
    );
    EXPECT_THAT(
        sweep_problems("scenario = \"a\"\n[grid]\nseed = [1]\n\"controller.interval\" = [2]\n"
                       "controller.interval = [3]"),
        ElementsAre(HasSubstr("controller.interval stands in [grid] and in [grid]"))
    );
    EXPECT_THROW((void)load_sweep("nowhere.toml"), InputError);
    EXPECT_THROW((void)load_sweep("."), InputError);
}

TEST(Sweep, the_number_of_cells_has_a_limit) {
    const auto grid = [](int axes, int values) {
        std::string text = "scenario = \"a.toml\"\n[grid]\n";
        for (int a = 0; a < axes; ++a) {
            text += fmt::format("key{} = [0", a);
            for (int v = 1; v < values; ++v) {
                text += fmt::format(", {}", v);
            }
            text += "]\n";
        }
        return text;
    };
    EXPECT_EQ(read_sweep(grid(4, 10)).cells.size(), kMaxSweepCells);
    EXPECT_THAT(
        sweep_problems(grid(5, 10)),
        ElementsAre(AllOf(HasSubstr("more than 10000 cells"), HasSubstr("10 of key0 times")))
    );
    EXPECT_THAT(sweep_problems(grid(40, 10)), testing::SizeIs(1)); // no overflow
}

bool is_safe(const std::string& name) {
    return !name.empty() && name.size() < 200 && name.front() != '.' && name.front() != '-' &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "._+-") == std::string::npos;
}

TEST(Sweep, names_are_safe_and_unique_whatever_the_values_are) {
    constexpr std::string_view kPieces[] = {
        "a", "-", "/", "..", " ", "ä", "\"", "B-c", "0", "\n", "long name that goes on ", "~", "*"};
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        Random random(seed);
        std::vector<std::vector<std::string>> words;
        std::vector<std::vector<std::string>> exact;
        std::set<std::string> first_values;
        while (first_values.size() < 6) {
            std::string value;
            for (std::uint64_t n = random.below(9); n > 0; --n) {
                value += kPieces[random.below(std::size(kPieces))];
            }
            if (!first_values.insert(value).second) {
                continue;
            }
            for (const char* const other : {"b", "B-c", "-"}) {
                words.push_back({value_name_part("key", "\"" + value + "\""), file_name_part(other)}
                );
                exact.push_back({value, other});
            }
        }
        const std::vector<std::string> names = cell_names(words, exact);
        EXPECT_EQ(std::set(names.begin(), names.end()).size(), names.size()) << "seed " << seed;
        for (const std::string& name : names) {
            EXPECT_TRUE(is_safe(name)) << name;
        }
    }
}

TEST(Sweep, twin_the_check_of_names_finds_bad_ones) {
    for (const char* const name : {"", ".hidden", "a/b", "a b", "-x", "ä"}) {
        EXPECT_FALSE(is_safe(name)) << name;
    }
}

TEST(Sweep, a_cell_name_depends_only_on_its_own_values) {
    const std::string head = "scenario = \"a.toml\"\n[grid]\ncontroller.interval = [4, 8";
    const Sweep small = read_sweep(head + "]\nseed = [1, 2]");
    const Sweep large = read_sweep(head + ", 16]\nseed = [3, 1, 2]");
    const std::vector<std::string> all = names_of(large);
    for (const std::string& name : names_of(small)) {
        EXPECT_NE(std::find(all.begin(), all.end(), name), all.end()) << name;
    }
}

TEST(Sweep, keys_with_equal_last_parts_get_longer_names) {
    const Sweep sweep = read_sweep(
        "scenario = \"a.toml\"\n[grid]\ndevice.a.load = [0.5]\ndevice.b.load = [0.25]\nseed = [1]"
    );
    EXPECT_THAT(names_of(sweep), ElementsAre("a.load0.5-b.load0.25-seed1"));
}

/// A folder with a scenario of two devices, s.toml, and its model file.
class CheckedSweep : public testing::Test {
  protected:
    void SetUp() override {
        std::filesystem::create_directories(folder_);
        std::ofstream(folder_ / "s.toml") << small_with("");
        std::ofstream(folder_ / "m.gguf") << "GGUF";
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] Sweep sweep(const std::string& more) const {
        return parse_sweep("scenario = \"s.toml\"\n" + more, folder_ / "sweep.toml");
    }
    [[nodiscard]] std::vector<std::string> problems(const std::string& more) const {
        try {
            EXPECT_THAT(check_cells(sweep(more)), IsEmpty());
            return {};
        } catch (const InputError& error) {
            return error.problems();
        }
    }

    std::filesystem::path folder_ =
        std::filesystem::temp_directory_path() / fmt::format("headroom-sweep-{}", getpid());
};

TEST_F(CheckedSweep, valid_cells_are_the_scenario_with_their_values) {
    const Sweep good = sweep("[grid]\ncontroller.interval = [4, 8]\nseed = [1, 2]");
    EXPECT_THAT(check_cells(good), IsEmpty());
    const Scenario scenario = cell_scenario(good, good.cells[2]);
    EXPECT_EQ(scenario.controller.interval, 8);
    EXPECT_EQ(scenario.seed, 1);
    std::set<std::string> texts;
    for (const SweepCell& cell : good.cells) {
        texts.insert(resolved_text(cell_scenario(good, cell)));
    }
    EXPECT_EQ(texts.size(), good.cells.size());
}

TEST_F(CheckedSweep, axes_may_be_costs_of_devices_and_networks) {
    const Sweep good = sweep(R"([set]
network.retransmit_timeout = "200 ms"
network.medium.0.members = "all"
network.jitter = { kind = "uniform", low = 0, high = "9 ms" }
[grid]
network.loss = [0, 0.01]
network.medium.0.capacity = ["8 Mbit/s", "9 Mbit/s"]
network.jitter.high = ["3 ms", "4 ms"]
device.0.rates.q4_0.compute = ["3 GFLOP/s", "4 GFLOP/s"]
device.1.message_overhead = [0, "1 ms"]
)");
    EXPECT_THAT(check_cells(good), IsEmpty());
    ASSERT_EQ(good.cells.size(), 32U);
    const FleetConfig last = cell_scenario(good, good.cells.back()).declared;
    EXPECT_EQ(last.network.loss, 10'000'000);
    EXPECT_EQ(last.network.media.at(0).capacity, 1'125'000);
    EXPECT_EQ(last.network.jitter.high, 4'000'000);
    EXPECT_EQ(last.devices[0].rates.at(0).compute, 4'000'000'000);
    EXPECT_EQ(last.devices[1].message_overhead, 1'000'000);
    EXPECT_THAT(
        problems("[grid]\nnetwork.loss = [0.1, 1]"),
        ElementsAre(
            HasSubstr("network.retransmit_timeout is missing; loss needs it"),
            HasSubstr("network.loss = 1 loses every message; give less (in cell 1)")
        )
    );
}

TEST_F(CheckedSweep, problems_of_values_are_reported_once_with_their_line) {
    EXPECT_THAT(
        problems("[set]\nworkload.tokens = 0\n[grid]\ncontroller.interval = [0, 4]\n"
                 "controller.policy = [\"ring\", \"greedy\", \"rng\"]\nclok.mode = [\"paced\"]"),
        ElementsAre(
            AllOf(HasSubstr("sweep.toml:3:19: workload.tokens"), HasSubstr("in all 6 cells")),
            AllOf(
                HasSubstr("sweep.toml:5:24: controller.interval"),
                HasSubstr("in 3 of 6 cells, the first is 0")
            ),
            AllOf(HasSubstr("sweep.toml:7:14: unknown key 'clok'"), HasSubstr("in all 6 cells")),
            AllOf(
                HasSubstr("sweep.toml:6:40: controller.policy"),
                HasSubstr("did you mean \"ring\"? (in 2 of 6 cells, the first is 2)")
            )
        )
    );
    EXPECT_THAT(
        problems("[grid]\nseed = [1, -1]"),
        ElementsAre(AllOf(HasSubstr("sweep.toml:3:12: seed"), HasSubstr("(in cell 1)")))
    );
}

TEST_F(CheckedSweep, a_misspelt_key_is_one_problem) {
    EXPECT_THAT(
        problems("[grid]\ncontroler.interval = [2, 4, 8]"),
        ElementsAre(AllOf(
            HasSubstr("sweep.toml:3:23: unknown key 'controler'"),
            HasSubstr("did you mean 'controller'? (in all 3 cells)")
        ))
    );
}

TEST_F(CheckedSweep, problems_of_the_scenario_keep_their_place) {
    std::ofstream(folder_ / "s.toml") << small_with("[clock]\nmode = \"fast\"");
    EXPECT_THAT(
        problems("[grid]\nseed = [1, 2]"),
        ElementsAre(AllOf(HasSubstr("s.toml:14:8: clock.mode"), HasSubstr("in all 2 cells")))
    );
}

TEST_F(CheckedSweep, warnings_are_reported_once) {
    std::ofstream(folder_ / "s.toml")
        << small_with("[[event]]\nat_token = 32\ndevice = \"a\"\nkind = \"compute\"\nfactor = 0.5\n"
           );
    EXPECT_THAT(
        check_cells(sweep("[grid]\nworkload.tokens = [16, 48]\nseed = [1, 2]")),
        ElementsAre(HasSubstr("(in 2 of 4 cells, the first is 0)"))
    );
}

TEST_F(CheckedSweep, a_sweep_is_refused_as_a_scenario) {
    EXPECT_THAT(
        problems_of("scenario = \"s.toml\"\n[grid]\nseed = [1]"),
        ElementsAre(AllOf(HasSubstr("a sweep, not a scenario"), HasSubstr("headroom sweep")))
    );
}

TEST_F(CheckedSweep, run_needs_weights) {
    const std::string shape = "[set]\nmodel.preset = \"gpt2\"\n";
    EXPECT_THAT(problems(shape), IsEmpty());
    EXPECT_THAT(
        problems("command = \"run\"\n" + shape),
        ElementsAre(AllOf(HasSubstr("a shape without weights"), HasSubstr("command = \"simulate\""))
        )
    );
}

TEST(Settings, list_a_resolved_scenario_key_by_key) {
    const std::string resolved = resolved_text(read(std::string(kEverything)));
    std::map<std::string, decltype(KeyValue::value)> flat;
    for (const KeyValue& one : flat_settings(resolved)) {
        EXPECT_TRUE(flat.emplace(one.key, one.value).second) << one.key << " twice";
    }
    EXPECT_EQ(std::get<std::int64_t>(flat.at("controller.interval")), 4);
    EXPECT_EQ(std::get<std::string>(flat.at("controller.policy")), "greedy");
    EXPECT_EQ(std::get<std::string>(flat.at("device.phone-2.memory")), "1000000000 B");
    EXPECT_EQ(std::get<double>(flat.at("device.phone-1.load.low")), 0.05);
    EXPECT_EQ(std::get<std::string>(flat.at("workload.stop_at_eos")), "false");
    EXPECT_EQ(std::get<std::string>(flat.at("workload.tokens")), "[3, 5, 1]");
    EXPECT_EQ(std::get<double>(flat.at("event.0.factor")), 0.25);
}

TEST(Settings, keys_may_have_indices_for_names) {
    for (const KeyValue& one : flat_settings(resolved_text(read(std::string(kEverything))))) {
        if (one.key == "device.phone-2.memory") {
            EXPECT_THAT(one.key_with_indices, testing::MatchesRegex("device\\.[0-9]+\\.memory"));
        } else if (one.key == "event.0.factor" || one.key == "seed") {
            EXPECT_EQ(one.key_with_indices, one.key);
        }
    }
}

TEST(Settings, a_quantity_may_be_spelled_in_several_ways) {
    EXPECT_TRUE(is_same_quantity("4GiB", "4294967296 B"));
    EXPECT_TRUE(is_same_quantity("10 Mbit/s", "1250000 B/s"));
    EXPECT_TRUE(is_same_quantity("1.5 us", "1500 ns"));
    EXPECT_FALSE(is_same_quantity("4 GB", "4294967296 B"));
    EXPECT_FALSE(is_same_quantity("4 B", "4 B/s"));
    EXPECT_FALSE(is_same_quantity("4", "4"));
    EXPECT_FALSE(is_same_quantity("ring", "ring"));
}

TEST(Settings, two_scenarios_differ_in_what_was_changed) {
    const auto changed = [](const Overrides& overrides) {
        const auto a = flat_settings(resolved_text(read(small_with(""))));
        const auto b = flat_settings(resolved_text(read(small_with(""), overrides)));
        std::vector<std::string> keys;
        for (std::size_t i = 0; i < a.size() && a.size() == b.size(); ++i) {
            if (!(a[i] == b[i])) {
                keys.push_back(a[i].key);
            }
        }
        return keys;
    };
    EXPECT_THAT(changed({}), IsEmpty());
    EXPECT_THAT(
        changed({.seed = 3, .set = {"device.a.memory=\"2 MiB\""}}),
        ElementsAre("device.a.memory", "seed")
    );
    EXPECT_THROW((void)flat_settings("no = toml = at all"), InputError);
}

} // namespace
} // namespace headroom::config
