// The previous placement of a plan. The placement is read from a trace or from a plan's JSON. Both
// name devices and blocks, so a file of another fleet or model is detected.
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
    std::string origin;    ///< text for users: "the first choice of greedy"
    Nanoseconds clock = 0; ///< virtual time of the decision, at which rates and memory are taken
};

/// A placement as a file contains it, not yet checked against a scenario.
struct WrittenPlacement {
    std::string file;
    std::string origin;                  ///< text for users: "t.h5 at token 24"
    std::vector<std::string> devices;    ///< device names
    std::vector<std::string> blocks;     ///< block names
    std::vector<Bytes> weights;          ///< bytes per block; empty: the file does not have them
    std::vector<std::int32_t> placement; ///< device per block
    std::int64_t at = 0;                 ///< number of tokens that the first sequence had sampled
    Nanoseconds clock = 0;               ///< virtual time when it had sampled this many
};

/// Returns the placement under which the first sequence of a trace sampled its token number `at`.
/// If `at` is 0, returns the first placement; without `at`, the placement of the last token. Throws
/// InputError, naming the file, if the trace has no interval or ends before that token.
[[nodiscard]] WrittenPlacement placement_in_force(
    const trace::Trace& trace, const std::string& file, std::optional<std::int64_t> at
);

/// Returns the checked placement. Throws InputError, naming file and difference, if devices or
/// blocks (by model, granularity or number of slices) differ from the scenario's, or if a block has
/// no valid device.
[[nodiscard]] PreviousPlacement previous_placement(
    const WrittenPlacement& written, const scheduler::Fleet& fleet, const scheduler::Blocks& blocks
);

} // namespace headroom::runtime
