// Traces of several concurrent requests, for tests of summaries.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "trace/records/codes.hpp"
#include "trace/records/trace.hpp"

namespace headroom::trace::request_traces {

/// Returns a header with two devices that have one block each.
inline RunHeader header() {
    RunHeader header;
    header.devices = {
        {.name = "hub", .memory_bytes = 1000, .is_source = 1},
        {.name = "phone", .memory_bytes = 500},
    };
    header.blocks = {{.name = "embed"}, {.name = "lm_head", .kind = 4}};
    header.codes = standard_codes();
    return header;
}

/// A request, described by the times of its tokens.
struct TestRequest {
    std::int32_t sequence = 0;
    std::int32_t slot = 0;
    std::int64_t arrival = 0;
    std::int64_t begin = 0;
    std::vector<std::int64_t> ends{}; ///< end of each sampled token, ascending
    std::int64_t prompt_tokens = 1;
    std::string text{};
};

inline void add_tokens(Interval& interval, const TestRequest& request) {
    for (std::int64_t p = 0; p < request.prompt_tokens; ++p) {
        interval.tokens.push_back({.sequence = request.sequence, .position = p, .is_prompt = 1});
    }
    std::int64_t start = request.begin;
    std::int64_t first = 0;
    for (const std::int64_t end : request.ends) {
        interval.turns.push_back(
            {.sequence = request.sequence,
             .slot = request.slot,
             .first = first,
             .start = start,
             .end = end}
        );
        interval.tokens.push_back(
            {.sequence = request.sequence,
             .position = request.prompt_tokens + first++,
             .start = start,
             .end = end}
        );
        start = end;
    }
}

inline RequestRow request_row(const TestRequest& request) {
    return {
        .sequence = request.sequence,
        .slot = request.slot,
        .arrival = request.arrival,
        .begin = request.begin,
        .first_token = request.ends.front(),
        .end = request.ends.back(),
        .prompt_tokens = request.prompt_tokens,
        .sampled_tokens = static_cast<std::int64_t>(request.ends.size()),
        .text = request.text,
    };
}

/// Returns one interval in which all requests end. Several are in flight at a time.
inline Interval interval(const std::vector<TestRequest>& all) {
    Interval interval;
    interval.row.sequence = -1;
    interval.row.feasible = 1;
    interval.row.in_flight = 2;
    interval.placement = {0, 1};
    for (const TestRequest& request : all) {
        add_tokens(interval, request);
        interval.requests.push_back(request_row(request));
        interval.row.t_end = std::max(interval.row.t_end, request.ends.back());
    }
    return interval;
}

/// Returns `count` requests on two slots that arrive one by one, `period` ns apart.
inline std::vector<TestRequest> staggered_requests(std::int32_t count, std::int64_t period) {
    std::vector<TestRequest> all;
    for (std::int32_t i = 0; i < count; ++i) {
        const std::int64_t begin = 100 * (i / 2) + i;
        all.push_back(
            {.sequence = i,
             .slot = i % 2,
             .arrival = i * period,
             .begin = begin,
             .ends = {begin + 40, begin + 60, begin + 90},
             .text = std::to_string(i)}
        );
    }
    return all;
}

} // namespace headroom::trace::request_traces
