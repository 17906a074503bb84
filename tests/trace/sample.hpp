// Sample traces with rows in every table, extreme values and unusual texts. Each interval is a
// function of its number, so tests know which intervals a file should contain.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "trace/records/ranges.hpp"
#include "trace/records/trace.hpp"

namespace headroom::trace::sample {

template <class T>
constexpr T kMax = std::numeric_limits<T>::max();
template <class T>
constexpr T kMin = std::numeric_limits<T>::min();

inline RunHeader header(bool with_ops) {
    RunHeader header;
    header.attributes = {{"program", "headroom 0.1"}, {"empty", ""}, {"host", "größer ✓"}};
    header.numbers = {{"seed", 7}, {"least", kMin<std::int64_t>}, {"most", kMax<std::int64_t>}};
    header.scenario = "seed = 7\n# Wörter, 言葉\n";
    header.input_files = {{"prompts/a.txt", "one\ntwo"}, {"empty", ""}, {"nul", {"a\0b", 3}}};
    header.devices = {
        {"phone", 1'000'000'000, 1 << 30, -1, -1, 4096, 1},
        {"größtes Gerät ✓", kMax<std::int64_t>, kMax<std::int64_t>, 0, 5, 0, 0},
        {"", 0, 0, kMax<std::int64_t>, kMax<std::int64_t>, 0, 0},
    };
    header.links = {{0, 1, 12'500'000, 2'000'000}, {1, 0, 0, 0}};
    header.blocks = {
        {"embed", 0, -1, -1, 1000},
        {"L0.g0", 1, 0, 0, 20},
        {"L0.proj", 2, 0, -1, 30},
        {"lm_head", 4, -1, -1, kMax<std::int64_t>},
    };
    header.model = {
        {2, 4, 2, 128, 256, 1, kMax<std::int32_t>, 64, 1, 4, 1, 1, 0, 48, 3, 7, 2, 8, 2, 1, 2, 1}};
    header.layers = {{0, 1, 2, 3, 4, 0, 1}, {}};
    header.prompts = {{0, 0, 1}, {0, 1, 99}, {1, 0, -1}};
    header.with_ops = with_ops;
    header.codes["intervals.policy"] = {"resource_aware", "greedy"};
    if (with_ops) {
        header.codes["messages.kind"] = {"token", "normed_x"};
    }
    return header;
}

/// Returns interval number `i`, for header(with_ops). Every third one has only its own row.
inline Interval interval(std::int64_t i, bool with_ops) {
    Interval interval;
    const auto small = static_cast<std::int32_t>(i);
    interval.row = {
        .epoch = i,
        .sequence = small / 2,
        .first_token = 4 * i,
        .t_dec = 1000 * i,
        .t_switch = 1000 * i + 5,
        .t_resume = 1000 * i + 7,
        .t_end = 1000 * i + 900,
        .tokens = 4,
        .predicted_inference_ns = kMax<std::int64_t>,
        .measured_inference_ns = i + 1,
        .predicted_migration_ns = kMax<std::int64_t>,
        .measured_migration_ns = 3,
        .in_flight = 2,
        .waiting = small % 3,
        .batch = 2,
        .predicted_round_ns = kMax<std::int64_t>,
        .kept_inference_ns = -1,
        .paper_delay_s = 1.0 / (static_cast<double>(i) + 3),
        .paper_migration_s = 5e-324,
        .decision_wall_ns = 12345,
        .moves = small % 2,
        .feasible = 1,
        .policy = 1,
        .reason = 2,
    };
    interval.placement = {small % 3, (small + 1) % 3, -1, 2};
    if (i % 3 == 2) {
        return interval;
    }
    interval.resources = {
        {i, 0, 10, 20, 30, 40, 42, 45, 50}, {i, 1, kMax<std::int64_t>, 0, 0, 0, 0, 0, 0}};
    interval.link_states = {{i, 0, 1, 5, 6, 7}};
    if (i % 2 == 1) {
        interval.migrations = {{i, 3, 0, 1, 27'136, 24'576, 5, 6, kMax<std::uint64_t>}};
    }
    for (std::int64_t token = 0; token < 4; ++token) {
        interval.turns.push_back(
            {4 * i + token, i, small, 1, i, i, 4 * i, token, 1, 1, 4 * i + token, token, token + 1}
        );
        interval.tokens.push_back(
            {small, 4 * i + token, 9, token, token + 1, 0, kMax<std::uint64_t> - 1}
        );
    }
    interval.requests = {{small, 1, 1, 2, 3, 4, 5, 6, 7, "Es war einmal ✓ " + std::to_string(i)}};
    interval.requests.push_back({small, 0, 0, 0, 0, 0, 0, 0, 0, ""});
    interval.requests.push_back({small, 0, 0, 0, 0, 0, 0, 0, 0, {"\xff\0\x80", 3}});
    interval.events = {{i, 0, 1, 99, "too full"}, {i, 3, -1, 0, ""}};
    if (with_ops) {
        interval.ops = {{i, 0, 1, 2, 3}, {i, 1, 2, 0, kMaxTraceTime}};
        interval.messages = {{i, 0, 1, 1, -1, 256, 0, 1'256'000}};
    }
    return interval;
}

inline Trace trace(std::int64_t intervals, bool with_ops) {
    Trace trace{header(with_ops), {}, Completion::finished};
    for (std::int64_t i = 0; i < intervals; ++i) {
        trace.intervals.push_back(interval(i, with_ops));
    }
    return trace;
}

/// Passes a trace to a sink.
inline void record(const Trace& trace, Sink& sink) {
    sink.begin(trace.header);
    for (const Interval& interval : trace.intervals) {
        sink.commit(interval);
    }
    sink.end(trace.completion);
}

} // namespace headroom::trace::sample
