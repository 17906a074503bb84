// Equal traces have no differences, and every changed field is found, except those of the host.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/trace/sample.hpp"
#include "trace/analysis/compare.hpp"
#include "trace/records/columns.hpp"

namespace headroom::trace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

Trace sample_trace() {
    return sample::trace(3, true);
}

void change(std::string& value) {
    value += "x";
}

void change(std::vector<std::string>& value) {
    value.emplace_back("one more");
}

template <class T>
void change(T& value) {
    value = value == T{1} ? T{2} : T{1};
}

/// Changes one column of a row at a time. Expects the change to be found unless it is a host
/// column.
template <class Row, class Choose>
void expect_every_column_noticed(Choose row_of) {
    for_each_column<Row>([&](const auto& column) {
        const Trace before = sample_trace();
        Trace after = before;
        const auto member = column.member;
        change(row_of(after).*member);
        const std::string name = column.name;
        if (name == "decision_wall_ns" || name == "rank_rss_bytes") {
            EXPECT_THAT(differences(before, after), IsEmpty()) << name;
        } else {
            const auto found = differences(before, after);
            ASSERT_THAT(found, SizeIs(1)) << Table<Row>::name << "." << name;
            EXPECT_THAT(found.front(), testing::HasSubstr("." + name + ": "));
        }
    });
}

TEST(Differences, of_equal_traces_are_none) {
    EXPECT_THAT(differences(sample_trace(), sample_trace()), IsEmpty());
}

TEST(Differences, show_every_changed_column_of_the_static_tables) {
    expect_every_column_noticed<DeviceRow>([](Trace & t) -> auto& { return t.header.devices[1]; });
    expect_every_column_noticed<LinkRow>([](Trace & t) -> auto& { return t.header.links[1]; });
    expect_every_column_noticed<BlockRow>([](Trace & t) -> auto& { return t.header.blocks[3]; });
    expect_every_column_noticed<ModelRow>([](Trace & t) -> auto& { return t.header.model[0]; });
    expect_every_column_noticed<LayerRow>([](Trace & t) -> auto& { return t.header.layers[1]; });
    expect_every_column_noticed<PromptRow>([](Trace & t) -> auto& { return t.header.prompts[2]; });
}

TEST(Differences, show_every_changed_column_of_an_interval) {
    expect_every_column_noticed<IntervalRow>([](Trace & t) -> auto& { return t.intervals[1].row; });
    const auto in_second = [](auto member) {
        return [member](Trace & t) -> auto& {
            return (t.intervals[1].*member).back();
        };
    };
    expect_every_column_noticed<ResourceRow>(in_second(&Interval::resources));
    expect_every_column_noticed<LinkStateRow>(in_second(&Interval::link_states));
    expect_every_column_noticed<MigrationRow>(in_second(&Interval::migrations));
    expect_every_column_noticed<TurnRow>(in_second(&Interval::turns));
    expect_every_column_noticed<TokenRow>(in_second(&Interval::tokens));
    expect_every_column_noticed<RequestRow>(in_second(&Interval::requests));
    expect_every_column_noticed<OpRow>(in_second(&Interval::ops));
    expect_every_column_noticed<MessageRow>(in_second(&Interval::messages));
    expect_every_column_noticed<EventRow>(in_second(&Interval::events));
}

/// A change and the first words of the line that must report it.
struct Change {
    const char* line;
    void (*apply)(Trace&);
};

TEST(Differences, show_changes_of_everything_that_is_not_a_row) {
    const Change changes[] = {
        {"attributes[program]:", [](Trace& t) { change(t.header.attributes["program"]); }},
        {"attributes[new]", [](Trace& t) { t.header.attributes["new"] = ""; }},
        {"attributes[empty]", [](Trace& t) { t.header.attributes.erase("empty"); }},
        {"numbers[seed]:", [](Trace& t) { change(t.header.numbers["seed"]); }},
        {"scenario:", [](Trace& t) { change(t.header.scenario); }},
        {"input_files[nul]:", [](Trace& t) { change(t.header.input_files["nul"]); }},
        {"codes[blocks.kind]:", [](Trace& t) { change(t.header.codes["blocks.kind"]); }},
        {"with_ops:", [](Trace& t) { t.header.with_ops = false; }},
        {"devices rows:", [](Trace& t) { t.header.devices.pop_back(); }},
        {"links rows:", [](Trace& t) { t.header.links.pop_back(); }},
        {"blocks rows:", [](Trace& t) { t.header.blocks.pop_back(); }},
        {"model rows:", [](Trace& t) { t.header.model.pop_back(); }},
        {"layers rows:", [](Trace& t) { t.header.layers.pop_back(); }},
        {"prompts rows:", [](Trace& t) { t.header.prompts.pop_back(); }},
        {"intervals:", [](Trace& t) { t.intervals.pop_back(); }},
        {"intervals[0].placement[2]:", [](Trace& t) { t.intervals[0].placement[2] = 1; }},
        {"intervals[0].placement blocks", [](Trace& t) { t.intervals[0].placement.clear(); }},
        {"intervals[0].resources rows", [](Trace& t) { t.intervals[0].resources.clear(); }},
        {"intervals[0].link_states rows", [](Trace& t) { t.intervals[0].link_states.clear(); }},
        {"intervals[1].migrations rows", [](Trace& t) { t.intervals[1].migrations.clear(); }},
        {"intervals[0].turns rows", [](Trace& t) { t.intervals[0].turns.pop_back(); }},
        {"intervals[0].tokens rows", [](Trace& t) { t.intervals[0].tokens.pop_back(); }},
        {"intervals[0].requests rows", [](Trace& t) { t.intervals[0].requests.pop_back(); }},
        {"intervals[0].ops rows", [](Trace& t) { t.intervals[0].ops.clear(); }},
        {"intervals[0].messages rows", [](Trace& t) { t.intervals[0].messages.clear(); }},
        {"intervals[0].events rows", [](Trace& t) { t.intervals[0].events.clear(); }},
        {"completion:", [](Trace& t) { t.completion = Completion::failed; }},
    };
    for (const Change& change : changes) {
        const Trace before = sample_trace();
        Trace after = before;
        change.apply(after);
        EXPECT_THAT(differences(before, after), ElementsAre(StartsWith(change.line)));
        EXPECT_THAT(differences(after, before), ElementsAre(StartsWith(change.line)));
    }
}

TEST(Differences, leave_out_the_host_and_its_clock) {
    const Trace before = sample_trace();
    Trace after = before;
    after.header.attributes["host"] = "another";
    after.header.attributes["wall_ended"] = "later";
    after.header.numbers["wall_ns"] = 5;
    after.intervals[0].row.decision_wall_ns = 6;
    after.intervals[0].resources[0].rank_rss_bytes = 7;
    EXPECT_THAT(differences(before, after), IsEmpty());
    EXPECT_THAT(differences(after, before), IsEmpty());
}

TEST(Differences, stop_at_the_requested_number) {
    const Trace before = sample_trace();
    Trace after = before;
    for (Interval& interval : after.intervals) {
        interval.row.epoch += 1;
        interval.row.t_dec += 1;
    }
    EXPECT_THAT(differences(before, after), SizeIs(6));
    EXPECT_THAT(differences(before, after, 4), SizeIs(4));
    EXPECT_THAT(differences(before, after, 0), IsEmpty());
}

TEST(Differences, compare_the_bits_of_doubles) {
    const Trace before = sample_trace();
    Trace after = before;
    after.intervals[0].row.paper_migration_s = 0; // instead of the smallest double
    EXPECT_THAT(differences(before, after), SizeIs(1));
    Trace not_a_number = before;
    not_a_number.intervals[0].row.paper_delay_s = std::numeric_limits<double>::quiet_NaN();
    EXPECT_THAT(differences(not_a_number, not_a_number), IsEmpty());
}

} // namespace
} // namespace headroom::trace
