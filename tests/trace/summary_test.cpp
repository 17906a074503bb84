// Summaries of traces that are written by hand, and functions compared with simple loops.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "tests/trace/request_traces.hpp"
#include "trace/analysis/request_figures.hpp"
#include "trace/analysis/summary.hpp"

namespace headroom::trace {
namespace {

using request_traces::TestRequest;
using testing::ElementsAre;

Summary summary_of(const std::vector<Interval>& intervals) {
    Summarizer summarizer;
    summarizer.begin(request_traces::header());
    for (const Interval& interval : intervals) {
        summarizer.commit(interval);
    }
    return summarizer.summary();
}

std::vector<Nanoseconds> random_times(Random& random, std::size_t max_count) {
    std::vector<Nanoseconds> times(random.below(max_count + 1));
    for (Nanoseconds& time : times) {
        time = static_cast<Nanoseconds>(random.below(20));
    }
    return times;
}

TEST(Percentile, is_the_smallest_value_that_enough_values_do_not_exceed) {
    Random random(stream_seed(1, "percentile"));
    for (int i = 0; i < 500; ++i) {
        const std::vector<Nanoseconds> values = random_times(random, 30);
        for (const std::size_t percent : {1U, 50U, 95U, 100U}) {
            Nanoseconds expected = -1;
            for (Nanoseconds value = 20; value >= 0 && !values.empty(); --value) {
                const auto below = static_cast<std::size_t>(
                    std::count_if(values.begin(), values.end(), [&](auto v) { return v <= value; })
                );
                const bool is_present =
                    std::find(values.begin(), values.end(), value) != values.end();
                if (is_present && 100 * below >= percent * values.size()) {
                    expected = value;
                }
            }
            EXPECT_EQ(percentile(values, percent), expected) << values.size() << " " << percent;
        }
    }
}

TEST(MaxOverlap, is_the_maximum_over_all_moments) {
    Random random(stream_seed(1, "flights"));
    for (int i = 0; i < 500; ++i) {
        std::vector<Span> spans;
        for (const Nanoseconds begin : random_times(random, 8)) {
            spans.push_back({begin, begin + 1 + static_cast<Nanoseconds>(random.below(6))});
        }
        std::int64_t most = 0;
        for (Nanoseconds at = 0; at < 30; ++at) {
            const auto holds = [&](const Span& s) { return s.begin <= at && at < s.end; };
            most = std::max<std::int64_t>(most, std::count_if(spans.begin(), spans.end(), holds));
        }
        EXPECT_EQ(max_overlap(spans), most);
    }
}

TEST(MemoryWaits, last_until_the_next_request_begins) {
    const MemoryWaits none = memory_waits({}, {0, 5}, 9);
    EXPECT_EQ(none.requests, 0);
    EXPECT_EQ(none.longest, 0);
    // A request lacked memory at 10 and 12 and began at 20. Another one lacked memory at 21.
    const MemoryWaits two = memory_waits({21, 10, 12}, {50, 0, 20}, 99);
    EXPECT_EQ(two.requests, 2);
    EXPECT_EQ(two.longest, 29);
}

TEST(MemoryWaits, without_a_later_request_last_to_the_end) {
    const MemoryWaits one = memory_waits({10, 11}, {0, 10}, 99);
    EXPECT_EQ(one.requests, 1);
    EXPECT_EQ(one.longest, 89);
}

TEST(MemoryWaits, found_together_are_of_one_request) {
    // Requests begin in order of arrival, so only the first waiting request can lack memory.
    Random random(stream_seed(1, "waits"));
    for (int i = 0; i < 500; ++i) {
        const std::vector<Nanoseconds> begins = random_times(random, 6);
        const std::vector<Nanoseconds> found = random_times(random, 6);
        std::vector<std::pair<Nanoseconds, Nanoseconds>> waits; // until, since
        for (const Nanoseconds at : found) {
            Nanoseconds until = kNever;
            for (const Nanoseconds begin : begins) {
                until = begin > at ? std::min(until, begin) : until;
            }
            const auto same = std::find_if(waits.begin(), waits.end(), [&](const auto& wait) {
                return wait.first == until;
            });
            if (same == waits.end()) {
                waits.emplace_back(until, at);
            } else {
                same->second = std::min(same->second, at);
            }
        }
        Nanoseconds longest = 0;
        for (const auto& [until, since] : waits) {
            longest = std::max(longest, std::min<Nanoseconds>(until, 30) - since);
        }
        const MemoryWaits counted = memory_waits(found, begins, 30);
        EXPECT_EQ(counted.requests, static_cast<std::int64_t>(waits.size()));
        EXPECT_EQ(counted.longest, longest);
    }
}

TEST(SummaryOfARun, counts_each_request_from_its_own_arrival) {
    const Summary s = summary_of({request_traces::interval({
        {.sequence = 1, .slot = 1, .arrival = 30, .begin = 50, .ends = {70, 90, 130}, .text = "b"},
        {.sequence = 0, .slot = 0, .arrival = 20, .begin = 20, .ends = {40}, .text = "a"},
    })});
    ASSERT_EQ(s.sequences.size(), 2U);
    const SequenceSummary& a = s.sequences[0];
    const SequenceSummary& b = s.sequences[1];
    EXPECT_THAT((std::vector{a.number, b.number}), ElementsAre(0, 1));
    EXPECT_THAT((std::vector{a.slot, b.slot}), ElementsAre(0, 1));
    EXPECT_THAT((std::vector{a.queue_time(), b.queue_time()}), ElementsAre(0, 20));
    EXPECT_THAT((std::vector{a.time_to_first_token, b.time_to_first_token}), ElementsAre(20, 40));
    EXPECT_THAT(
        (std::vector{a.time_per_output_token, b.time_per_output_token}), ElementsAre(-1, 30)
    );
    EXPECT_THAT((std::vector{a.last_token, b.last_token}), ElementsAre(40, 130));
    EXPECT_EQ(s.time_to_first_token, 30);
    EXPECT_EQ(s.time_per_output_token, 30);
    EXPECT_EQ(s.time_per_output_token_p50, 20);
    EXPECT_EQ(s.time_per_output_token_p95, 40);
    EXPECT_EQ(s.end, 130);
    EXPECT_EQ(s.span, 110);
    EXPECT_DOUBLE_EQ(s.tokens_per_s, 4e9 / 110);
    EXPECT_EQ(s.text, "a\n\nb");
}

TEST(SummaryOfARun, knows_how_many_were_in_flight) {
    const Summary together = summary_of({request_traces::interval({
        {.sequence = 0, .ends = {50, 100}},
        {.sequence = 1, .slot = 1, .begin = 50, .ends = {100}},
    })});
    EXPECT_EQ(together.max_in_flight, 2);
    EXPECT_DOUBLE_EQ(together.mean_in_flight, 1.5);
    const Summary in_turn = summary_of({request_traces::interval({
        {.sequence = 0, .ends = {50}},
        {.sequence = 1, .begin = 50, .ends = {100}},
    })});
    EXPECT_EQ(in_turn.max_in_flight, 1);
    EXPECT_DOUBLE_EQ(in_turn.mean_in_flight, 1);
}

TEST(SummaryOfARun, of_one_request_from_the_start_is_what_its_tokens_say) {
    Interval interval = request_traces::interval({{.ends = {30, 50, 80}, .text = "once"}});
    interval.row.sequence = 0;
    interval.row.in_flight = 1;
    interval.row.predicted_inference_ns = 24;
    const Summary s = summary_of({interval});
    EXPECT_EQ(s.time_to_first_token, 30);
    EXPECT_EQ(s.time_per_output_token, 25);
    EXPECT_DOUBLE_EQ(s.tokens_per_s, 3e9 / 80);
    EXPECT_EQ(s.predicted_decode, 48);
    EXPECT_EQ(s.measured_decode, 50);
    EXPECT_EQ(s.memory_waits.requests, 0);
    EXPECT_EQ(s.text, "once");
}

TEST(SummaryOfARun, compares_rounds_with_the_time_between_two_tokens_of_a_sequence) {
    Interval interval = request_traces::interval({
        {.sequence = 0, .ends = {50, 100}},
        {.sequence = 1, .slot = 1, .ends = {60, 160}},
    });
    interval.row.predicted_round_ns = 60;
    interval.row.predicted_inference_ns = 7; // D_inf of one sequence must not be used
    const Summary still = summary_of({interval});
    EXPECT_EQ(still.predicted_decode, 120);
    EXPECT_EQ(still.measured_decode, 150);
    interval.row.t_switch = 90; // overlaps the tokens by 10 and 30 ns
    interval.row.t_resume = 120;
    EXPECT_EQ(summary_of({interval}).measured_decode, 150 - 10 - 30);
    interval.row.t_switch = 10; // before the first token of both sequences
    interval.row.t_resume = 45;
    EXPECT_EQ(summary_of({interval}).measured_decode, 150);
}

TEST(SummaryOfARun, of_sequences_that_were_killed_counts_from_their_begin) {
    Interval interval = request_traces::interval({
        {.sequence = 0, .arrival = 5, .begin = 10, .ends = {40, 60}, .text = "lost"},
    });
    interval.requests.clear();
    const Summary s = summary_of({interval});
    ASSERT_EQ(s.sequences.size(), 1U);
    EXPECT_FALSE(s.sequences[0].ended);
    EXPECT_EQ(s.sequences[0].begin, 10);
    EXPECT_EQ(s.sequences[0].slot, 0);
    EXPECT_EQ(s.time_to_first_token, 30);
    EXPECT_EQ(s.text, "");
    // Once a sequence has ended, those without a known arrival are left out of the mean.
    Interval second = request_traces::interval({{.sequence = 1, .ends = {90}}});
    EXPECT_EQ(summary_of({interval, second}).time_to_first_token, 90);
}

TEST(SummaryOfARun, takes_a_sequence_that_has_no_sampled_token_yet) {
    Interval interval = request_traces::interval({{.sequence = 0, .ends = {40, 60}}});
    interval.tokens.push_back({.sequence = 3, .is_prompt = 1});
    const Summary s = summary_of({interval});
    ASSERT_EQ(s.sequences.size(), 2U);
    EXPECT_EQ(s.sequences[1].number, 3);
    EXPECT_EQ(s.sequences[1].time_to_first_token, -1);
    EXPECT_EQ(s.time_to_first_token, 40);
    EXPECT_EQ(s.time_per_output_token, 20);
}

TEST(SummaryOfARun, adds_up_how_busy_each_device_was) {
    Interval interval = request_traces::interval({{.sequence = 0, .ends = {50, 100}}});
    interval.resources = {
        {.interval = 0, .device = 0, .busy_ns = 20}, {.interval = 0, .device = 1, .busy_ns = 5}};
    Interval next = interval;
    next.tokens.clear();
    next.turns.clear();
    next.requests.clear();
    const Summary s = summary_of({interval, next});
    EXPECT_EQ(s.devices[0].busy, 40);
    EXPECT_DOUBLE_EQ(s.devices[0].utilisation, 0.4);
    EXPECT_DOUBLE_EQ(s.devices[1].utilisation, 0.1);
    EXPECT_DOUBLE_EQ(summary_of({}).devices[0].utilisation, 0);
}

TEST(SummaryOfARun, limits_busy_times_of_an_interrupted_run_to_its_span) {
    Interval interval = request_traces::interval({{.sequence = 0, .ends = {50, 100}}});
    interval.resources = {
        {.interval = 0, .device = 0, .busy_ns = 130}, {.interval = 0, .device = 1, .busy_ns = 5}};
    interval.requests.clear();
    const Summary s = summary_of({interval});
    EXPECT_EQ(s.devices[0].busy, 100);
    EXPECT_DOUBLE_EQ(s.devices[0].utilisation, 1);
    EXPECT_DOUBLE_EQ(s.devices[1].utilisation, 0.05);
}

TEST(SummaryOfARun, knows_the_peak_the_last_budget_and_the_fullest_interval) {
    const auto at = [](Bytes budget, Bytes peak) {
        Interval interval;
        interval.resources = {
            {.device = 0, .memory_budget_bytes = budget, .memory_peak_bytes = peak}};
        return interval;
    };
    const Summary s = summary_of({at(600, 455), at(443, 442), at(572, 376)});
    EXPECT_EQ(s.devices[0].peak_bytes, 455);
    EXPECT_EQ(s.devices[0].budget_bytes, 572);
    EXPECT_EQ(s.devices[0].fullest_bytes, 442);
    EXPECT_EQ(s.devices[0].fullest_budget_bytes, 443);
    EXPECT_DOUBLE_EQ(s.devices[0].fullness(), 442.0 / 443.0);
    const Summary none = summary_of({at(100, 50), at(0, 7), at(100, 90)});
    EXPECT_EQ(none.devices[0].peak_bytes, 90);
    EXPECT_EQ(none.devices[0].budget_bytes, 100);
    EXPECT_EQ(none.devices[0].fullness(), -1) << "it held something of no budget";
    const Summary away = summary_of({at(100, 75), at(0, 0)});
    EXPECT_DOUBLE_EQ(away.devices[0].fullness(), 0.75) << "nothing of nothing is not full";
    EXPECT_TRUE(s.devices[0].is_less_full_than(none.devices[0]));
    EXPECT_FALSE(none.devices[0].is_less_full_than(s.devices[0]));
    EXPECT_FALSE(none.devices[0].is_less_full_than(none.devices[0]));
}

TEST(SummaryOfARun, has_batches_and_waits_for_memory) {
    Interval interval = request_traces::interval({
        {.sequence = 0, .ends = {50, 100}},
        {.sequence = 1, .slot = 1, .begin = 100, .ends = {160}},
    });
    interval.row.batch = 2;
    interval.events = {
        {.at = 30,
         .kind = static_cast<std::int32_t>(EventCode::admission_waits),
         .value = 99,
         .text = ""}};
    Interval next;
    next.row.batch = 4;
    next.row.feasible = 1;
    const Summary s = summary_of({interval, next});
    EXPECT_EQ(s.memory_waits.requests, 1);
    EXPECT_EQ(s.memory_waits.longest, 70);
    EXPECT_EQ(s.smallest_batch, 2);
    EXPECT_EQ(s.largest_batch, 4);
    EXPECT_EQ(s.overloads, 0);
}

TEST(SummaryOfARun, of_a_simulation_has_no_text) {
    EXPECT_EQ(
        summary_of(
            {request_traces::interval({{.sequence = 0, .ends = {1}}, {.sequence = 1, .ends = {2}}})}
        ).text,
        ""
    );
}

} // namespace
} // namespace headroom::trace
