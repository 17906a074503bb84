// Hand-made traces of several requests at once, for those who add them up and show them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "trace/records/codes.hpp"
#include "trace/records/trace.hpp"

namespace headroom::trace::flights {

/// Two devices, one block each.
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

/// A request as its tokens tell it: the end of each sampled token, ascending.
struct Flight {
    std::int32_t sequence = 0;
    std::int32_t slot = 0;
    std::int64_t arrival = 0;
    std::int64_t begin = 0;
    std::vector<std::int64_t> ends{};
    std::int64_t prompt_tokens = 1;
    std::string text{};
};

inline void add_tokens(Interval& interval, const Flight& flight) {
    for (std::int64_t p = 0; p < flight.prompt_tokens; ++p) {
        interval.tokens.push_back({.sequence = flight.sequence, .position = p, .is_prompt = 1});
    }
    std::int64_t start = flight.begin;
    std::int64_t first = 0;
    for (const std::int64_t end : flight.ends) {
        interval.turns.push_back(
            {.sequence = flight.sequence,
             .slot = flight.slot,
             .first = first,
             .start = start,
             .end = end}
        );
        interval.tokens.push_back(
            {.sequence = flight.sequence,
             .position = flight.prompt_tokens + first++,
             .start = start,
             .end = end}
        );
        start = end;
    }
}

inline RequestRow request(const Flight& flight) {
    return {
        .sequence = flight.sequence,
        .slot = flight.slot,
        .arrival = flight.arrival,
        .begin = flight.begin,
        .first_token = flight.ends.front(),
        .end = flight.ends.back(),
        .prompt_tokens = flight.prompt_tokens,
        .sampled_tokens = static_cast<std::int64_t>(flight.ends.size()),
        .text = flight.text,
    };
}

/// One interval in which all flights end, several at a time.
inline Interval interval(const std::vector<Flight>& all) {
    Interval interval;
    interval.row.sequence = -1;
    interval.row.feasible = 1;
    interval.row.in_flight = 2;
    interval.placement = {0, 1};
    for (const Flight& flight : all) {
        add_tokens(interval, flight);
        interval.requests.push_back(request(flight));
        interval.row.t_end = std::max(interval.row.t_end, flight.ends.back());
    }
    return interval;
}

/// `count` requests that come one by one, `apart` ns from one to the next, on two slots.
inline std::vector<Flight> row_of(std::int32_t count, std::int64_t apart) {
    std::vector<Flight> all;
    for (std::int32_t i = 0; i < count; ++i) {
        const std::int64_t begin = 100 * (i / 2) + i;
        all.push_back(
            {.sequence = i,
             .slot = i % 2,
             .arrival = i * apart,
             .begin = begin,
             .ends = {begin + 40, begin + 60, begin + 90},
             .text = std::to_string(i)}
        );
    }
    return all;
}

} // namespace headroom::trace::flights
