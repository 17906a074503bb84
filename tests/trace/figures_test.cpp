// The figures of pictures, for traces that are written by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "trace/analysis/figures.hpp"

namespace headroom::trace {
namespace {

using testing::ElementsAre;

IntervalRow interval_row(
    Nanoseconds t_dec, Nanoseconds t_switch, Nanoseconds t_resume, Nanoseconds t_end
) {
    return {.t_dec = t_dec, .t_switch = t_switch, .t_resume = t_resume, .t_end = t_end};
}

TokenRow token(std::int32_t sequence, std::int64_t position, Nanoseconds end) {
    return {.sequence = sequence, .position = position, .end = end};
}

TEST(TokenSteps, are_gaps_between_a_sequences_tokens_in_order_of_their_ends) {
    Trace trace;
    trace.intervals.resize(2);
    trace.intervals[0].tokens = {
        {.sequence = 0, .is_prompt = 1}, token(0, 1, 100), token(1, 1, 110), token(0, 2, 130)};
    trace.intervals[1].tokens = {token(0, 3, 190), token(1, 2, 180), token(2, 1, 185)};
    std::vector<std::vector<std::int64_t>> found;
    for (const TokenStep& step : token_steps(trace)) {
        found.push_back(
            {step.sequence,
             step.position,
             static_cast<std::int64_t>(step.interval),
             step.end,
             step.latency}
        );
    }
    EXPECT_THAT(
        found,
        ElementsAre(
            ElementsAre(0, 2, 0, 130, 30),
            ElementsAre(1, 2, 1, 180, 70),
            ElementsAre(0, 3, 1, 190, 60)
        )
    );
}

TEST(TimeBreakdown, bounds_the_time_in_which_any_device_computes) {
    Trace trace;
    trace.header.devices.resize(2);
    trace.intervals.resize(2);
    trace.intervals[0].row = interval_row(0, 0, 0, 100);
    trace.intervals[0].resources = {{.device = 0, .busy_ns = 30}, {.device = 1, .busy_ns = 50}};
    trace.intervals[1].row = interval_row(120, 130, 150, 200);
    trace.intervals[1].resources = {{.device = 0, .busy_ns = 40}, {.device = 1, .busy_ns = 45}};
    const TimeBreakdown parts = time_breakdown(trace);
    EXPECT_EQ(parts.total, 100 + 80);
    EXPECT_EQ(parts.migrating, 20);
    EXPECT_EQ(parts.min_computing, 50 + 45);
    EXPECT_EQ(parts.max_computing, 80 + 60) << "no more than the interval without its migration";
}

TEST(BusyTimes, of_operations_are_split_at_the_borders_of_intervals) {
    Trace trace;
    trace.header.devices.resize(2);
    trace.header.with_ops = true;
    trace.intervals.resize(3);
    trace.intervals[0].row = interval_row(0, 0, 0, 100);
    trace.intervals[1].row = interval_row(100, 100, 100, 150);
    trace.intervals[2].row = interval_row(160, 160, 160, 200);
    // Operations are reported with their turn, possibly with another interval than they ran in.
    trace.intervals[0].ops = {
        {.device = 0, .block = 0, .start = 10, .end = 60},
        {.device = 0, .block = 0, .start = 90, .end = 190},
        {.device = 1, .block = 0, .start = 110, .end = 120},
    };
    trace.intervals[1].ops = {
        {.device = 1, .block = 0, .start = 80, .end = 90},
        {.device = 1, .block = 0, .start = 195, .end = 230},
    };
    trace.intervals[0].resources = {{.device = 0, .busy_ns = 150}, {.device = 1, .busy_ns = 10}};
    EXPECT_THAT(
        busy_times(trace), ElementsAre(ElementsAre(60, 10), ElementsAre(50, 10), ElementsAre(30, 5))
    );
}

TEST(BusyTimes, without_operations_are_no_longer_than_their_intervals) {
    Trace trace;
    trace.header.devices.resize(2);
    trace.intervals.resize(3);
    trace.intervals[0].row = interval_row(0, 0, 0, 100);
    trace.intervals[0].resources = {{.device = 0, .busy_ns = 130}, {.device = 1, .busy_ns = 40}};
    trace.intervals[1].row = interval_row(100, 110, 130, 150); // 20 of its 50 ns move blocks
    trace.intervals[1].resources = {{.device = 0, .busy_ns = 10}, {.device = 1, .busy_ns = 30}};
    trace.intervals[2].row = interval_row(160, 160, 160, 200);
    trace.intervals[2].resources = {{.device = 0, .busy_ns = 5}, {.device = 1, .busy_ns = 70}};
    EXPECT_THAT(
        busy_times(trace),
        ElementsAre(ElementsAre(100, 70), ElementsAre(30, 30), ElementsAre(15, 40))
    );
}

TEST(DeviceTimes, add_up_to_the_last_operation) {
    Trace trace;
    trace.header.devices.resize(2);
    trace.header.with_ops = true;
    trace.intervals.resize(1);
    trace.intervals[0].row = interval_row(0, 20, 30, 100);
    trace.intervals[0].ops = {
        {.device = 0, .block = 0, .start = 5, .end = 20},
        {.device = 0, .block = 0, .start = 45, .end = 60},
    };
    trace.intervals[0].messages = {{.from = 1, .to = 0, .arrival = 45}};
    const std::vector<DeviceTime> times = device_times(trace);
    EXPECT_EQ(times[0].computing, 30);
    EXPECT_EQ(times[0].migrating, 10);
    EXPECT_EQ(times[0].waiting, 15);
    EXPECT_EQ(times[0].idle, 5);
    EXPECT_EQ(times[0].total(), 60);
    EXPECT_EQ(times[1].total(), 0);
}

TEST(LinkUse, has_the_most_used_first_and_no_unused_ones) {
    Trace trace;
    trace.intervals.resize(2);
    trace.intervals[0].link_states = {
        {.from = 0, .to = 1, .bytes = 5}, {.from = 1, .to = 0, .bytes = 7}, {.from = 2, .to = 0}};
    trace.intervals[1].link_states = {
        {.from = 0, .to = 1, .bytes = 2}, {.from = 0, .to = 2, .bytes = 9}};
    std::vector<std::vector<std::int64_t>> found;
    for (const LinkUse& use : link_use(trace)) {
        found.push_back({use.from, use.to, use.bytes});
    }
    EXPECT_THAT(
        found, ElementsAre(ElementsAre(0, 2, 9), ElementsAre(0, 1, 7), ElementsAre(1, 0, 7))
    );
}

TEST(BlocksOverTime, are_counted_by_kind) {
    Trace trace;
    trace.header.devices.resize(2);
    trace.header.blocks = {{.name = "embed"}, {.name = "g0", .kind = 1}, {.name = "g1", .kind = 1}};
    trace.intervals.resize(3);
    trace.intervals[0].placement = {0, 0, 0};
    trace.intervals[1].placement = {0, 0, 1};
    trace.intervals[2].placement = {1, -1, 1};
    EXPECT_THAT(
        blocks_over_time(trace, 1), ElementsAre(ElementsAre(2, 1, 0), ElementsAre(0, 1, 1))
    );
}

TEST(Figures, of_an_empty_trace_are_empty) {
    const Trace trace;
    EXPECT_TRUE(token_steps(trace).empty());
    EXPECT_EQ(time_breakdown(trace).total, 0);
    EXPECT_TRUE(device_times(trace).empty());
    EXPECT_TRUE(link_use(trace).empty());
    EXPECT_TRUE(blocks_over_time(trace, 1).empty());
}

} // namespace
} // namespace headroom::trace
