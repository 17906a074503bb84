// A replay asks the policy only for decisions of its own version. It takes those of another version
// as recorded, and still finds every wrong time and every placement that does not fit.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "runtime/messages/resume_point.hpp"
#include "runtime/offline/replay.hpp"
#include "support/fleet_run.hpp"
#include "support/random_policy.hpp"
#include "support/random_scenario.hpp"
#include "support/tiny_model.hpp"
#include "trace/analysis/compare.hpp"
#include "trace/analysis/parts.hpp"
#include "trace/records/columns.hpp"

namespace headroom {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// Version `version` of a policy called `name` that decides like `decides`.
class Versioned final : public scheduler::Policy {
  public:
    Versioned(std::string name, int version, const scheduler::Policy& decides)
        : name_(std::move(name)), version_(version), decides_(decides) {}
    [[nodiscard]] std::string_view name() const override { return name_; }
    [[nodiscard]] std::string version() const override { return std::to_string(version_); }
    [[nodiscard]] bool decides_batch_size() const override { return decides_.decides_batch_size(); }
    [[nodiscard]] scheduler::Decision decide(const scheduler::Problem& problem) const override {
        return decides_.decide(problem);
    }

  private:
    std::string name_;
    int version_;
    const scheduler::Policy& decides_;
};

/// Fails the test if it is asked.
class NotAsked final : public scheduler::Policy {
  public:
    [[nodiscard]] std::string_view name() const override { return "random"; }
    [[nodiscard]] std::string version() const override { return "2"; }
    [[nodiscard]] scheduler::Decision decide(const scheduler::Problem& /*problem*/) const override {
        ADD_FAILURE() << "asked for a decision of another version";
        return {};
    }
};

class OtherVersion : public testing::TestWithParam<std::uint64_t> {};

TEST_P(OtherVersion, is_replayed_without_asking_the_policy) {
    const config::Scenario scenario = support::random_scenario(GetParam());
    const support::RandomPolicy policy(GetParam(), 25);
    support::RunChange change;
    change.policy = &policy;
    const trace::Trace trace = support::run_fleet(scenario, change).trace;
    const auto all = static_cast<std::int64_t>(trace.intervals.size());
    const runtime::Replay replay = runtime::replay(trace, scenario, NotAsked());
    EXPECT_THAT(replay.differences, IsEmpty());
    EXPECT_EQ(replay.intervals, all);
    EXPECT_EQ(replay.as_recorded.count, all);
    EXPECT_THAT(replay.as_recorded.versions, ElementsAre("1"));
    EXPECT_EQ(replay.policy_version, "2");
    EXPECT_EQ(runtime::replay(trace, scenario, policy).as_recorded.count, 0);
}

TEST_P(OtherVersion, decides_only_the_rest_of_a_resumed_run) {
    const config::Scenario scenario = support::random_scenario(GetParam());
    const support::RandomPolicy before(GetParam(), 25);
    support::RunChange change;
    change.policy = &before;
    trace::Trace killed = support::run_fleet(scenario, change).trace;
    killed.intervals.resize(1 + killed.intervals.size() / 2);
    killed.completion = trace::Completion::running;
    if (runtime::resume_point(killed.intervals).ended.size() == scenario.workload.requests()) {
        return;
    }
    const support::RandomPolicy decides(GetParam() + 1000, 25);
    const Versioned after("random", 2, decides);
    change.policy = &after;
    change.resumed = &killed;
    const trace::Trace trace = support::run_fleet(scenario, change).trace; // replays it, too
    const auto kept = static_cast<std::int64_t>(killed.intervals.size());
    const runtime::Replay replay = runtime::replay(trace, scenario, after);
    EXPECT_THAT(replay.differences, IsEmpty());
    EXPECT_EQ(replay.as_recorded.count, kept);
    const std::vector<std::string> versions = trace::policy_versions(trace);
    EXPECT_EQ(versions.at(static_cast<std::size_t>(kept) - 1), "1");
    EXPECT_EQ(versions.back(), "2");
}

INSTANTIATE_TEST_SUITE_P(Seeds, OtherVersion, testing::Range<std::uint64_t>(0, 40));

/// A run of greedy that claims to be one of resource_aware, whose scenario it has.
struct Relabelled {
    config::Scenario scenario = [] {
        support::FleetText text;
        text.model = support::tiny_model_file();
        text.interval = 3;
        text.extra =
            "[[event]]\nat_token = 4\ndevice = \"d0\"\nkind = \"memory\"\nfactor = 0.003\n";
        return support::make_scenario(text);
    }();
    std::unique_ptr<scheduler::Policy> own = scheduler::make_policy(scenario.controller.policy);
    trace::Trace trace = [this] {
        const auto greedy = scheduler::make_policy(scheduler::PolicyKind::greedy);
        const Versioned policy("resource_aware", std::stoi(own->version()) + 6, *greedy);
        support::RunChange change;
        change.policy = &policy;
        return support::run_fleet(scenario, change).trace;
    }();

    [[nodiscard]] runtime::Replay replayed(const trace::Trace& changed) const {
        return runtime::replay(changed, scenario, *own);
    }
};

const Relabelled& relabelled() {
    static const Relabelled once;
    return once;
}

TEST(PolicyVersion, decides_whether_the_policy_is_asked) {
    const runtime::Replay other = relabelled().replayed(relabelled().trace);
    EXPECT_THAT(other.differences, IsEmpty());
    EXPECT_EQ(other.as_recorded.count, other.intervals);
    trace::Trace equal = relabelled().trace;
    equal.header.attributes[trace::kPolicyVersion] = relabelled().own->version();
    const runtime::Replay asked = relabelled().replayed(equal);
    EXPECT_THAT(asked.differences, Not(IsEmpty())) << "greedy decides otherwise";
    EXPECT_EQ(asked.as_recorded.count, 0);
}

TEST(PolicyVersion, of_a_trace_without_one_is_1) {
    trace::Trace old = relabelled().trace;
    old.header.attributes.erase(trace::kPolicyVersion);
    EXPECT_THAT(trace::policy_versions(old), testing::Each("1"));
    const Versioned first("resource_aware", 1, *relabelled().own);
    const runtime::Replay asked = runtime::replay(old, relabelled().scenario, first);
    EXPECT_THAT(asked.differences, Not(IsEmpty())) << "greedy decides otherwise";
    const Versioned later("resource_aware", 2, *relabelled().own);
    EXPECT_THAT(runtime::replay(old, relabelled().scenario, later).differences, IsEmpty());
}

bool replay_finds(const trace::Trace& changed) {
    try {
        return !relabelled().replayed(changed).differences.empty();
    } catch (const InputError&) {
        return true;
    }
}

TEST(OtherVersionReplay, finds_every_changed_value_of_an_interval) {
    trace::for_each_column<trace::IntervalRow>([&](const auto& column) {
        trace::Trace changed = relabelled().trace;
        changed.intervals[1].row.*(column.member) += 1;
        EXPECT_EQ(replay_finds(changed), !trace::is_host_column(column.name)) << column.name;
    });
}

/// Adds 1 to a member of the first row of a table, and returns whether the replay finds it.
template <class Row>
bool finds_change_of(std::vector<Row> trace::Interval::*rows, std::int64_t Row::*member) {
    trace::Trace changed = relabelled().trace;
    for (trace::Interval& interval : changed.intervals) {
        if (!(interval.*rows).empty()) {
            (interval.*rows).front().*member += 1;
            return replay_finds(changed);
        }
    }
    ADD_FAILURE() << trace::Table<Row>::name << " has no row";
    return false;
}

TEST(OtherVersionReplay, finds_changed_times_and_bytes) {
    using trace::Interval;
    EXPECT_TRUE(finds_change_of(&Interval::turns, &trace::TurnRow::end));
    EXPECT_TRUE(finds_change_of(&Interval::tokens, &trace::TokenRow::start));
    EXPECT_TRUE(finds_change_of(&Interval::migrations, &trace::MigrationRow::end));
    EXPECT_TRUE(finds_change_of(&Interval::migrations, &trace::MigrationRow::bytes));
    EXPECT_TRUE(finds_change_of(&Interval::resources, &trace::ResourceRow::memory_peak_bytes));
    EXPECT_TRUE(finds_change_of(&Interval::link_states, &trace::LinkStateRow::bytes));
    EXPECT_TRUE(finds_change_of(&Interval::ops, &trace::OpRow::end));
    EXPECT_TRUE(finds_change_of(&Interval::messages, &trace::MessageRow::arrival));
    EXPECT_FALSE(finds_change_of(&Interval::resources, &trace::ResourceRow::rank_rss_bytes));
}

TEST(OtherVersionReplay, finds_a_moved_block_whose_times_are_not_recorded) {
    trace::Trace changed = relabelled().trace;
    std::int32_t& device = changed.intervals[1].placement[5];
    device = device == 1 ? 2 : 1;
    EXPECT_TRUE(replay_finds(changed));
}

TEST(OtherVersionReplay, finds_a_placement_that_does_not_fit) {
    trace::Trace changed = relabelled().trace;
    trace::Interval& last = changed.intervals.back(); // d0 has lost its memory
    std::ranges::fill(last.placement, 0);
    EXPECT_THAT(
        relabelled().replayed(changed).differences,
        ElementsAre(HasSubstr(fmt::format(
            "intervals[{}].placement is recorded as feasible, but is not: device 0 needs",
            changed.intervals.size() - 1
        )))
    );
}

TEST(OtherVersionReplay, finds_missing_and_added_intervals) {
    trace::Trace less = relabelled().trace;
    less.intervals.pop_back();
    EXPECT_TRUE(replay_finds(less));
    trace::Trace more = relabelled().trace;
    more.intervals.push_back(more.intervals.back());
    EXPECT_TRUE(replay_finds(more));
    less.completion = trace::Completion::running;
    EXPECT_FALSE(replay_finds(less)) << "killed";
}

} // namespace
} // namespace headroom
