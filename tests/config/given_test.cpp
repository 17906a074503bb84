// controller.placement and controller.layers: a file, a table, a list, and what is wrong with them.
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenarios.hpp"

namespace headroom::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// A model of 2 layers with 2 groups each, whose blocks are embed, L0.g0, L0.g1, L0.proj, L0.ffn, …
constexpr std::string_view kShape =
    "[model]\nshape = { layers = 2, heads = 2, width = 8, ffn_width = 16, vocab = 32, context = 64 "
    "}\n";

const std::vector<std::string> kBlocks{
    "embed",
    "L0.g0",
    "L0.g1",
    "L0.proj",
    "L0.ffn",
    "L1.g0",
    "L1.g1",
    "L1.proj",
    "L1.ffn",
    "lm_head"};

std::string shape_with(std::string_view controller) {
    return fmt::format("{}{}[controller]\n{}", kShape, kSmall, controller);
}

/// Returns what `headroom plan --json` prints, as far as it counts.
std::string plan_json(
    const std::vector<int>& placement,
    const std::vector<std::string>& devices = {"a", "b"},
    const std::vector<std::string>& blocks = kBlocks
) {
    return fmt::format(
        R"({{"at": 0, "interval": 8, "clock_ns": 0, "device_names": ["{}"], "block_names": ["{}"],)"
        R"( "policies": [{{"policy": "greedy", "placement": [{}]}}]}})",
        fmt::join(devices, "\", \""),
        fmt::join(blocks, "\", \""),
        fmt::join(placement, ", ")
    );
}

class GivenFile : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = std::filesystem::temp_directory_path() /
                  fmt::format(
                      "headroom-given-{}-{}",
                      testing::UnitTest::GetInstance()->random_seed(),
                      testing::UnitTest::GetInstance()->current_test_info()->name()
                  );
        std::filesystem::create_directories(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    /// Returns the text of a scenario with this file as its placement.
    [[nodiscard]] std::string with_file(const std::string& contents) const {
        std::ofstream(folder_ / "plan.json", std::ios::binary) << contents;
        return shape_with("policy = \"given\"\nplacement = \"plan.json\"\n");
    }
    [[nodiscard]] Scenario scenario(const std::string& contents) const {
        return parse_scenario(with_file(contents), folder_ / "s.toml", {});
    }
    /// Returns the only problem.
    [[nodiscard]] std::string problem(const std::string& contents) const {
        try {
            (void)scenario(contents);
        } catch (const InputError& error) {
            EXPECT_THAT(error.problems(), SizeIs(1));
            return error.what();
        }
        return "accepted";
    }

    std::filesystem::path folder_;
};

TEST_F(GivenFile, becomes_a_table_that_needs_no_file) {
    const std::string json = plan_json({0, 0, 1, 0, 0, 1, 1, 1, 1, 0});
    const Scenario from_file = scenario(json);
    EXPECT_EQ(from_file.input_files.at("plan.json"), json);
    const std::string text = resolved_text(from_file);
    EXPECT_THAT(
        text,
        HasSubstr("\nplacement = { a = \"embed, L0.g0, L0.proj-L0.ffn, lm_head\", b = \"L0.g1, "
                  "L1\" }\n")
    );
    std::filesystem::remove(folder_ / "plan.json");
    const Scenario again = parse_scenario(text, folder_ / "s.toml", {});
    EXPECT_TRUE(equivalent(from_file, again));
    EXPECT_EQ(resolved_text(again), text);
    EXPECT_THAT(from_file.warnings, IsEmpty());
    // The twin: another placement is another scenario.
    EXPECT_FALSE(equivalent(from_file, scenario(plan_json({0, 0, 0, 0, 0, 1, 1, 1, 1, 0}))));
}

TEST_F(GivenFile, names_devices_so_that_their_order_does_not_count) {
    const Scenario same = scenario(plan_json({1, 1, 1, 1, 1, 2, 2, 2, 2, 1}, {"c", "a", "b"}));
    EXPECT_THAT(resolved_text(same), HasSubstr("{ a = \"embed, L0, lm_head\", b = \"L1\" }"));
}

TEST_F(GivenFile, of_something_else_is_refused) {
    const std::vector<int> all_a(10, 0);
    const std::string expected = "expected what headroom plan --policy P --json printed";
    const std::vector<std::pair<std::string, std::vector<std::string>>> wrong{
        {"", {"s.toml:16:13: controller.placement = \"plan.json\" is empty, " + expected}},
        {"{", {"is not a plan (parse error at line 1, column 2", expected}},
        {"[]", {"is not a plan (cannot use at() with array", expected}},
        {R"({"error": ["no"]})", {"is not a plan (key 'at' not found)"}},
        {R"({"at": 0, "interval": 8, "clock_ns": 0, "device_names": [], "block_names": [],)"
         R"( "policies": []})",
         {"has 0 placements, expected one; make it with headroom plan --policy P --json"}},
        {R"({"at": 0, "interval": 8, "clock_ns": 0, "device_names": [], "block_names": [],)"
         R"( "policies": [{"policy": "x", "placement": [0]}, {"policy": "y", "placement": [0]}]})",
         {"has 2 placements (x, y), expected one"}},
        {plan_json({0, 0}), {"places 2 blocks but names 10, expected a device for every block"}},
        {plan_json({0, 0, 0, 0, 0, 0, 0, 0, 0, 2}), {"a block on device 2 but names 2 devices"}},
        {plan_json({0, 0, 0, 0, 0, 0, 0, 0, 0, -1}), {"a device of the placement = -1, expected"}},
        {plan_json({0, 0, 0, 0, 0, 1, 1, 1, 1, 0}, {"a", "tablet"}),
         {"has blocks on tablet, which the fleet lacks; there are a, b; make it anew"}},
        {plan_json(std::vector<int>(9, 0), {"a"}, {kBlocks.begin(), kBlocks.end() - 1}),
         {"controller.placement was made for 9 blocks, the scenario has 10", "controller.slices"}},
        {plan_json({0, 0, 0, 0, 0, 0, 0, 0, 0, 1}),
         {"controller.placement has lm_head on a device that is not the source",
          "controller.ends = \"anywhere\""}},
    };
    for (const auto& [contents, fragments] : wrong) {
        for (const std::string& fragment : fragments) {
            EXPECT_THAT(problem(contents), HasSubstr(fragment)) << contents;
        }
    }
    EXPECT_EQ(problem(plan_json(all_a)), "accepted");
    EXPECT_THAT(
        problems_of(shape_with("placement = \"no.json\"")).at(0),
        HasSubstr("= \"no.json\" cannot be read: dir/no.json: No such file")
    );
}

TEST(GivenTable, is_written_by_hand_with_the_ends_left_out) {
    const Scenario scenario = read(shape_with(
        "policy = \"given\"\n[controller.placement]\nb = \" L1.g1 - L1.ffn,L0\"\na = \"L1.g0\"\n"
    ));
    EXPECT_THAT(
        resolved_text(scenario),
        HasSubstr("placement = { a = \"L1.g0\", b = \"L1.g1-L1.ffn, L0\" }")
    );
    const Scenario again = read(resolved_text(scenario));
    EXPECT_TRUE(equivalent(scenario, again));
}

TEST(GivenTable, says_everything_that_is_wrong) {
    EXPECT_THAT(
        problems_of(shape_with("placement = { a = \"L0-L1\", z-9 = \"L1\", b = 3 }\ninterval = 0")),
        ElementsAre(
            HasSubstr("controller.placement.z-9 names no device; there are a, b"),
            HasSubstr("controller.placement.b: expected a string; found 3"),
            HasSubstr("controller.interval")
        )
    );
    for (const auto& [value, fragment] : std::vector<std::pair<std::string, std::string>>{
             {"{ a = \"L0-\" }",
              "a: expected blocks or ranges with commas between, such as \"embed"},
             {"{ a = \"L0,,L1\" }", "a: expected blocks or ranges with commas between"},
             {"{}", "controller.placement has no blocks; give every device its own"},
             {"{ a = \"\" }", "controller.placement has no blocks"},
             {"{ a = \"L0\" }", "controller.placement has no device for L1.g0 and 3 other blocks"},
             {"{ a = \"L0-L7\" }", "controller.placement names L7, which is no block"},
             {"{ phon = \"L0-L1\" }", "controller.placement.phon names no device"},
             {"7", "controller.placement: expected the path of a file"},
             {"\"\"", "= \"\" names no file"},
             {"[\"L0\"]", "controller.placement: expected the path of a file"}}) {
        EXPECT_THAT(
            problems_of(shape_with("policy = \"given\"\nplacement = " + value)),
            ElementsAre(HasSubstr(fragment))
        ) << value;
    }
}

TEST(GivenLayers, are_checked_against_fleet_and_model) {
    const Scenario scenario = read(shape_with("policy = \"given\"\nlayers = [0, 2]"));
    EXPECT_THAT(resolved_text(scenario), HasSubstr("\nlayers = [0, 2]\n"));
    EXPECT_TRUE(equivalent(scenario, read(resolved_text(scenario))));
    for (const auto& [value, fragment] : std::vector<std::pair<std::string, std::string>>{
             {"[1]", "controller.layers = [1] adds up to 1 layer, the model has 2"},
             {"[3, -1]", "controller.layers.1"},
             {"[]", "controller.layers: expected a number of layers for each device"},
             {"2", "controller.layers: expected a number of layers for each device"},
             {"[\"2\"]", "controller.layers.0"},
             {"[1, 1, 0]",
              "controller.layers has 3 numbers, expected at most one for each of 2 "
              "devices"}}) {
        EXPECT_THAT(
            problems_of(shape_with("policy = \"given\"\nlayers = " + value)),
            Contains(HasSubstr(fragment))
        ) << value;
    }
}

TEST(Given, is_asked_for_where_it_lacks_and_missed_where_it_has_no_effect) {
    EXPECT_THAT(
        problems_of(shape_with("policy = \"given\"")),
        ElementsAre(HasSubstr("controller.policy = \"given\" needs a placement; give "
                              "controller.placement = \"plan.json\""))
    );
    EXPECT_THAT(
        problems_of(shape_with(""), {.policy = "given"}),
        ElementsAre(HasSubstr("--policy given: controller.policy = \"given\" needs a placement"))
    );
    EXPECT_THAT(
        problems_of(shape_with("layers = [2]\nplacement = { a = \"L0-L1\" }")),
        ElementsAre(HasSubstr("controller.layers and placement exclude each other; give one"))
    );
    EXPECT_THAT(
        read(shape_with("layers = [2]")).warnings,
        ElementsAre("controller.layers has no effect: controller.policy is resource_aware; policy "
                    "= \"given\" or --policy given uses it")
    );
    // With another policy of purpose there is nothing to warn of: the two are compared.
    EXPECT_THAT(read(shape_with("layers = [2]\npolicy = \"paper\"")).warnings, IsEmpty());
    EXPECT_THAT(read(shape_with("layers = [2]"), {.policy = "given"}).warnings, IsEmpty());
}

TEST(Given, of_the_command_line_replaces_the_other_key) {
    const std::string layers = shape_with("policy = \"given\"\nlayers = [2]");
    const Scenario table =
        read(layers, {.set = {"controller.placement={ a = \"L0\", b = \"L1\" }"}});
    EXPECT_THAT(resolved_text(table), HasSubstr("placement = { a = \"L0\", b = \"L1\" }"));
    EXPECT_THAT(table.controller.given.layers, IsEmpty());
    const Scenario list = read(resolved_text(table), {.set = {"controller.layers=[1, 1]"}});
    EXPECT_THAT(list.controller.given.layers, ElementsAre(1, 1));
    EXPECT_THAT(list.controller.given.ranges, IsEmpty());
}

} // namespace
} // namespace headroom::config
