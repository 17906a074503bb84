// The part of `headroom collect` that needs no files: which columns the table of the runs has, of
// which type, and how it is written.
#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "cli/sweep/collect_rows.hpp"
#include "config/scenario/scenario.hpp"

namespace headroom::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using trace::Figure;
using Kind = trace::FigureColumn::Kind;

std::string scenario(const std::vector<std::string>& changes, int devices = 2) {
    std::string text = "model.preset = \"gpt2\"\n[network]\nbandwidth = \"8 Mbit/s\"\n"
                       "latency = \"1 ms\"\n";
    for (int d = 0; d < devices; ++d) {
        text += fmt::format(
            "[[device]]\nname = \"{}{}\"\ncompute = \"1 GFLOP/s\"\nmemory = \"{} GiB\"\n",
            devices == 2 ? "d" : "other",
            d,
            1 + d
        );
    }
    config::Overrides overrides;
    overrides.set = changes;
    return config::resolved_text(config::parse_scenario(text, "dir/s.toml", overrides));
}

CollectedRun run(const std::string& file, const std::string& resolved) {
    return {file, "s", resolved, "simulated", "finished", 0, "", std::nullopt};
}

const trace::FigureColumn* column(const Collection& collection, const std::string& name) {
    for (const trace::FigureColumn& one : collection.table.columns) {
        if (one.name == name) {
            return &one;
        }
    }
    return nullptr;
}

std::vector<std::string> key_names(const Collection& collection) {
    std::vector<std::string> names;
    for (std::size_t c = 0; c < collection.key_columns; ++c) {
        names.push_back(collection.table.columns[c].name);
    }
    return names;
}

TEST(Collect, equal_runs_have_the_usual_columns_only) {
    const Collection same = collect_rows({run("a.h5", scenario({})), run("b.h5", scenario({}))});
    EXPECT_THAT(
        key_names(same),
        ElementsAre("file", "scenario", "policy", "interval", "seed", "devices", "model")
    );
    EXPECT_EQ(column(same, "devices")->values[1], Figure(std::int64_t{2}));
    EXPECT_EQ(column(same, "model")->values[0], Figure("gpt2"));
    EXPECT_THAT(same.notes, IsEmpty());
}

TEST(Collect, keys_that_differ_are_columns_of_their_own_kind) {
    const Collection some = collect_rows(
        {run("a.h5", scenario({})),
         run("b.h5",
             scenario(
                 {"controller.interval=4",
                  "device.d1.memory=\"3 GiB\"",
                  "fleet.compute_scale=2",
                  "workload.stop_at_eos=false"}
             )),
         run("c.h5",
             scenario({"network.variation={ kind = \"uniform\", low = 0, high = 0.5, "
                       "period = \"1 s\" }"}))}
    );
    EXPECT_EQ(column(some, "interval")->values[1], Figure(std::int64_t{4}));
    const trace::FigureColumn* const memory = column(some, "device.d1.memory");
    ASSERT_NE(memory, nullptr);
    EXPECT_EQ(memory->unit, "B");
    EXPECT_EQ(memory->values[1], Figure(std::int64_t{3} << 30));
    EXPECT_EQ(column(some, "fleet.compute_scale")->kind, Kind::real);
    EXPECT_EQ(column(some, "workload.stop_at_eos")->values[1], Figure("false"));
    const trace::FigureColumn* const high = column(some, "network.variation.high");
    ASSERT_NE(high, nullptr);
    EXPECT_EQ(high->values[0], Figure()); // a plain number in this run
    EXPECT_EQ(high->values[2], Figure(0.5));
    EXPECT_EQ(column(some, "device.d0.memory"), nullptr);
    EXPECT_EQ(column(some, "controller.interval"), nullptr);
    for (const trace::FigureColumn& one : some.table.columns) {
        EXPECT_EQ(one.values.size(), 3) << one.name;
    }
}

TEST(Collect, keys_of_a_sweep_stand_first_and_as_it_gives_them) {
    CollectedRun a = run("a.h5", scenario({"seed=3", "device.d1.memory=\"4096 B\""}));
    a.settings = {{"seed", "3", ""}, {"device.1.memory", "\"4096 B\"", ""}};
    CollectedRun b = run("b.h5", scenario({"seed=2", "device.d1.memory=\"3 GiB\""}));
    b.settings = {{"seed", "2", ""}, {"device.1.memory", "\"3GiB\"", ""}};
    CollectedRun other = run("c.h5", scenario({"device.d1.memory=\"5 MiB\""}));
    const Collection all = collect_rows({a, b, other});
    EXPECT_THAT(
        key_names(all),
        ElementsAre(
            "file", "scenario", "seed", "device.d1.memory", "policy", "interval", "devices", "model"
        )
    );
    EXPECT_THAT(
        column(all, "device.d1.memory")->values,
        ElementsAre(Figure("4096 B"), Figure("3GiB"), Figure("5242880 B"))
    );
    a.settings[1].value = "\"5 KiB\""; // the sweep has been changed after this run
    EXPECT_EQ(column(collect_rows({a, b}), "device.d1.memory")->values[0], Figure("4096 B"));
}

TEST(Collect, another_fleet_is_no_hundred_columns) {
    const Collection two = collect_rows({run("a.h5", scenario({})), run("b.h5", scenario({}, 9))});
    EXPECT_EQ(column(two, "devices")->values[1], Figure(std::int64_t{9}));
    EXPECT_THAT(two.notes, ElementsAre(HasSubstr("keys of [[device]] differ")));
    EXPECT_EQ(two.key_columns, 7);
}

TEST(Collect, invalid_scenarios_are_refused) {
    EXPECT_THROW((void)collect_rows({run("a.h5", "no = = toml")}), InputError);
}

TEST(Collect, a_run_that_decoded_nothing_has_gaps) {
    CollectedRun failed = run("a.failed.json", scenario({}));
    failed.state = "failed";
    failed.exit_code = 6;
    failed.error = "no placement fits";
    CollectedRun good = run("b.h5", scenario({"seed=3"}));
    good.summary.emplace();
    good.summary->sampled_tokens = 1;
    good.summary->devices = {
        {.name = "d0",
         .peak_bytes = 5,
         .budget_bytes = 8,
         .fullest_bytes = 3,
         .fullest_budget_bytes = 4,
         .used_bytes = 0,
         .blocks = 0,
         .busy = 0,
         .utilisation = 0},
        {.name = "d1",
         .peak_bytes = 2,
         .budget_bytes = 0,
         .fullest_bytes = 2,
         .fullest_budget_bytes = 0,
         .used_bytes = 0,
         .blocks = 0,
         .busy = 0,
         .utilisation = 0}};
    const Collection both = collect_rows({failed, good});
    EXPECT_EQ(column(both, "exit_code")->values[0], Figure(std::int64_t{6}));
    EXPECT_EQ(column(both, "sampled_tokens")->values[0], Figure());
    EXPECT_EQ(column(both, "sampled_tokens")->values[1], Figure(std::int64_t{1}));
    EXPECT_EQ(column(both, "time_per_output_token_ns")->values[1], Figure()); // one token only
    EXPECT_EQ(column(both, "memory_peak_fraction")->values[1], Figure(0.75));
    const std::string text = collection_text(both);
    EXPECT_THAT(text, HasSubstr("failed"));
    EXPECT_THAT(text, HasSubstr("state"));
    EXPECT_THAT(text, Not(HasSubstr("policy"))); // the policy is equal in both
}

TEST(Collect, the_table_has_no_times_of_the_hosts_clock) {
    const Collection one = collect_rows({run("a.h5", scenario({}))});
    for (const trace::FigureColumn& each : one.table.columns) {
        EXPECT_EQ(each.name.find("wall"), std::string::npos) << each.name;
    }
}

TEST(Collect, csv_quotes_what_must_be_quoted_and_leaves_gaps_empty) {
    const trace::FigureTable table{
        {{"a,b", "text", Kind::text, {Figure("x \"y\", z"), Figure("line\nbreak"), Figure()}},
         {"n", "1", Kind::integer, {Figure(std::int64_t{-5}), Figure(), Figure(std::int64_t{0})}},
         {"r",
          "1",
          Kind::real,
          {Figure(0.1), Figure(std::numeric_limits<double>::quiet_NaN()), Figure(1e300)}}}};
    EXPECT_EQ(
        csv_text(table), "\"a,b\",n,r\n\"x \"\"y\"\", z\",-5,0.1\n\"line\nbreak\",,\n,0,1e+300\n"
    );
}

} // namespace
} // namespace headroom::cli
