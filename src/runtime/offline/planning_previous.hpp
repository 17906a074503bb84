// The placement that is in force before the decision of a plan. It is read from a trace or from a
// plan's JSON. Both name devices and blocks, so a file of another fleet or model is detected.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/scenario/scenario.hpp"
#include "scheduler/core/blocks.hpp"
#include "trace/records/trace.hpp"

namespace headroom::runtime {

struct PreviousPlacement {
    scheduler::Placement placement;
    std::string origin; ///< text for users: "the first choice of greedy"
    /// Virtual time of the decision. The plan uses the rates and memory that devices and links have
    /// at this time.
    Nanoseconds clock = 0;
};

/// A placement as a file contains it, not yet checked against a scenario.
struct WrittenPlacement {
    std::string file;
    std::string origin; ///< text for users: "t.h5 at token 24"
    std::vector<std::string> devices;
    std::vector<std::string> blocks;
    std::vector<Bytes> weights;          ///< weight bytes per block; empty: not in the file
    std::vector<std::int32_t> placement; ///< device per block
    std::int64_t at = 0;                 ///< number of tokens that the first sequence had sampled
    Nanoseconds clock = 0; ///< virtual time when that sequence had sampled `at` tokens
};

/// Returns the placement under which the first sequence of a trace sampled its token number `at`,
/// counted from 1. If `at` is 0, returns the first placement. If `at` is nothing, returns the
/// placement under which the sequence sampled its last token. Uses only the intervals before the
/// first one with turns of another sequence. Throws InputError, naming the file, if there are no
/// such intervals, or if the sequence has fewer than `at` tokens in them.
[[nodiscard]] WrittenPlacement placement_in_force(
    const trace::Trace& trace, const std::string& file, std::optional<std::int64_t> at
);

/// Returns the placement after a check. Throws InputError, naming file and difference, if the
/// devices or blocks are not those of the scenario (blocks also depend on granularity and number of
/// slices), or if a block has no valid device.
[[nodiscard]] PreviousPlacement previous_placement(
    const WrittenPlacement& written, const scheduler::Fleet& fleet, const scheduler::Blocks& blocks
);

} // namespace headroom::runtime
