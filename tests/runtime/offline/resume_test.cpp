// A run that was killed or interrupted at any interval and resumed has the tokens, logits and texts
// of a run without a break, and its whole trace can be replayed.
#include <map>
#include <tuple>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/random.hpp"
#include "base/wire.hpp"
#include "runtime/messages/resume_point.hpp"
#include "support/fleet_run.hpp"
#include "support/random_policy.hpp"
#include "support/random_scenario.hpp"
#include "trace/analysis/interrupts.hpp"

namespace headroom {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Id and checksum of the logits, by sequence and position.
using Tokens =
    std::map<std::pair<std::int32_t, std::int64_t>, std::pair<std::int32_t, std::uint64_t>>;

Tokens tokens_of(const trace::Trace& trace) {
    Tokens tokens;
    for (const trace::Interval& interval : trace.intervals) {
        for (const trace::TokenRow& row : interval.tokens) {
            const bool is_new =
                tokens.insert({{row.sequence, row.position}, {row.id, row.logits_checksum}}).second;
            EXPECT_TRUE(is_new) << "token " << row.position << " of " << row.sequence << " twice";
        }
    }
    return tokens;
}

/// Text, bytes of the prompt, arrival, begin and time of the first token, by sequence.
std::map<std::int32_t, std::tuple<std::string, std::int64_t, Nanoseconds>> requests_of(
    const trace::Trace& trace
) {
    std::map<std::int32_t, std::tuple<std::string, std::int64_t, Nanoseconds>> requests;
    for (const trace::Interval& interval : trace.intervals) {
        for (const trace::RequestRow& row : interval.requests) {
            EXPECT_LE(row.arrival, row.begin);
            EXPECT_LT(row.begin, row.first_token);
            EXPECT_LE(row.first_token, row.end);
            const bool is_new =
                requests.insert({row.sequence, {row.text, row.sampled_tokens, row.arrival}}).second;
            EXPECT_TRUE(is_new) << "sequence " << row.sequence << " ended twice";
        }
    }
    return requests;
}

trace::Trace killed_after(const trace::Trace& trace, std::size_t intervals) {
    trace::Trace killed = trace;
    killed.intervals.resize(intervals);
    killed.completion = trace::Completion::running;
    return killed;
}

bool is_over(const config::Scenario& scenario, const trace::Trace& trace) {
    return runtime::resume_point(trace.intervals).ended.size() == scenario.workload.requests();
}

void expect_same_text(const support::FleetRun& whole, const support::FleetRun& resumed) {
    EXPECT_EQ(resumed.outcome.exit_code, 0) << resumed.outcome.message;
    EXPECT_EQ(tokens_of(whole.trace), tokens_of(resumed.trace));
    EXPECT_EQ(requests_of(whole.trace), requests_of(resumed.trace));
}

class Resumed : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Resumed, killed_runs_continue_with_the_same_text) {
    const config::Scenario scenario = support::random_scenario(GetParam());
    const support::RandomPolicy policy(GetParam(), 25);
    support::RunChange change;
    change.policy = &policy;
    const support::FleetRun whole = support::run_fleet(scenario, change);
    Random random(stream_seed(GetParam(), "resume test"));
    const std::size_t kept = random.below(whole.trace.intervals.size());
    const trace::Trace killed = killed_after(whole.trace, kept);
    if (is_over(scenario, killed)) {
        return;
    }
    change.resumed = &killed;
    const support::FleetRun once = support::run_fleet(scenario, change);
    expect_same_text(whole, once);
    // Break it off and resume it a second time.
    const std::size_t more = kept + random.below(once.trace.intervals.size() - kept + 1);
    const trace::Trace again = killed_after(once.trace, more);
    if (!is_over(scenario, again)) {
        change.resumed = &again;
        expect_same_text(whole, support::run_fleet(scenario, change));
    }
}

/// Runs until a signal comes after the set-up. A signal during the set-up ends the run without a
/// trace; then a later signal is tried.
support::FleetRun run_past_setup(const config::Scenario& scenario, support::RunChange& change) {
    for (;;) {
        try {
            return support::run_fleet(scenario, change);
        } catch (const InterruptedError&) {
            change.interrupt_after *= 2;
        }
    }
}

TEST_P(Resumed, interrupted_runs_continue_with_the_same_text) {
    const config::Scenario scenario = support::random_scenario(GetParam());
    const support::RandomPolicy policy(GetParam(), 25);
    support::RunChange change;
    change.policy = &policy;
    const support::FleetRun whole = support::run_fleet(scenario, change);
    Random random(stream_seed(GetParam(), "interrupt test"));
    trace::Trace before;
    change.interrupt_after = 1 + static_cast<std::int64_t>(random.below(60));
    support::FleetRun run = run_past_setup(scenario, change);
    for (int times = 0; run.outcome.exit_code != 0 && times < 5; ++times) {
        EXPECT_EQ(run.outcome.exit_code, 130);
        ASSERT_FALSE(run.trace.intervals.empty());
        EXPECT_TRUE(trace::was_interrupted(run.trace.intervals.back()));
        if (is_over(scenario, run.trace)) {
            return; // the signal came with the last token
        }
        before = run.trace;
        change.resumed = &before;
        change.interrupt_after = times == 4 ? -1 : 1 + static_cast<std::int64_t>(random.below(100));
        run = run_past_setup(scenario, change);
    }
    expect_same_text(whole, run);
}

/// Returns a random sampled token of an unfinished sequence; null if there is none.
trace::TokenRow* token_of_open(trace::Trace& trace, Random& random) {
    std::vector<trace::TokenRow*> candidates;
    for (const auto& open : runtime::resume_point(trace.intervals).unfinished) {
        for (trace::Interval& interval : trace.intervals) {
            for (trace::TokenRow& row : interval.tokens) {
                if (row.is_prompt == 0 && row.sequence == open.sequence) {
                    candidates.push_back(&row);
                }
            }
        }
    }
    return candidates.empty() ? nullptr : candidates[random.below(candidates.size())];
}

TEST_P(Resumed, runs_refuse_a_changed_token) {
    const config::Scenario scenario = support::random_scenario(GetParam());
    const support::RandomPolicy policy(GetParam(), 25);
    support::RunChange change;
    change.policy = &policy;
    const support::FleetRun whole = support::run_fleet(scenario, change);
    Random random(stream_seed(GetParam(), "changed token test"));
    trace::Trace killed = killed_after(whole.trace, 1 + random.below(whole.trace.intervals.size()));
    trace::TokenRow* const token = token_of_open(killed, random);
    if (token == nullptr) {
        return;
    }
    const auto vocabulary = static_cast<std::int32_t>(killed.header.model.front().vocabulary);
    token->id = (token->id + 1) % vocabulary;
    change.resumed = &killed;
    EXPECT_THROW((void)support::run_fleet(scenario, change), InputError);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Resumed, testing::Range<std::uint64_t>(0, 40));

TEST(ResumePoint, separates_finished_and_unfinished_sequences) {
    trace::Interval first;
    first.row = {.epoch = 3, .t_dec = 10, .t_resume = 15, .t_end = 90, .tokens = 3};
    first.turns = {
        {.turn = 7, .sequence = 0, .round = 2, .visit = 4, .start = 15, .end = 80},
        {.turn = 8, .sequence = 1, .round = 3, .visit = 5, .start = 20, .end = 120}};
    first.tokens = {
        {.sequence = 0, .position = 0, .id = 5, .is_prompt = 1},
        {.sequence = 0, .position = 1, .id = 6, .end = 40},
        {.sequence = 0, .position = 2, .id = 7, .end = 80},
        {.sequence = 1, .position = 0, .id = 5, .is_prompt = 1},
        {.sequence = 1, .position = 1, .id = 9, .end = 90}};
    first.requests = {{.sequence = 0, .text = ""}};
    const std::vector<trace::Interval> intervals{first};
    const runtime::ResumePoint point = runtime::resume_point(intervals);
    EXPECT_EQ(point.clock, 120) << "the latest that anything recorded was over";
    EXPECT_EQ(point.intervals, 1);
    EXPECT_EQ(point.epoch, 3);
    EXPECT_EQ(point.turns, 9);
    EXPECT_EQ(point.rounds, 4);
    EXPECT_EQ(point.visits, 6);
    EXPECT_EQ(point.sampled, 3);
    EXPECT_THAT(point.ended, ElementsAre(0));
    ASSERT_EQ(point.unfinished.size(), 1U);
    EXPECT_EQ(point.unfinished[0].sequence, 1);
    EXPECT_EQ(point.unfinished[0].begin, 20);
    EXPECT_EQ(point.unfinished[0].first_token, 90);
    EXPECT_THAT(point.unfinished[0].sampled, ElementsAre(9));
}

TEST(ResumePoint, treats_interrupted_sequences_as_unfinished) {
    trace::Interval only;
    only.requests = {{.sequence = 2, .text = ""}, {.sequence = 4, .text = ""}};
    const auto kind = static_cast<std::int32_t>(trace::EventCode::interrupted);
    only.events = {{.kind = kind, .value = -1, .text = ""}, {.kind = kind, .value = 4, .text = ""}};
    only.turns = {{.sequence = 4}};
    const runtime::ResumePoint point = runtime::resume_point(std::vector{only});
    EXPECT_THAT(point.ended, ElementsAre(2));
    ASSERT_EQ(point.unfinished.size(), 1U);
    EXPECT_EQ(point.unfinished[0].sequence, 4);
    trace::drop_interrupted_requests(only);
    ASSERT_EQ(only.requests.size(), 1U);
    EXPECT_EQ(only.requests[0].sequence, 2);
}

TEST(ResumePoint, survives_serialisation) {
    const runtime::ResumePoint sent{
        1, 2, 3, 4, 5, 6, 7, {14, 15}, {{8, 9, 10, true, {11, 12}}, {}}, {13}};
    EXPECT_EQ(unpack<runtime::ResumePoint>(pack(sent)), sent);
}

} // namespace
} // namespace headroom
