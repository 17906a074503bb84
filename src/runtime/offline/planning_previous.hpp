// Where a plan starts from: the placement in force when its decision is made. It comes from a file
// that knows devices and blocks by name, so that one of another fleet or model is found out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/scenario/scenario.hpp"
#include "scheduler/core/blocks.hpp"
#include "trace/records/trace.hpp"

namespace headroom::runtime {

struct Previous {
    scheduler::Placement placement;
    std::string origin;    ///< for people: "the first choice of greedy"
    Nanoseconds clock = 0; ///< when the decision is made: fleets change with time
};

/// A placement as it was written down, before anybody has compared it with a scenario.
struct WrittenPlacement {
    std::string file;
    std::string origin;                  ///< for people: "t.h5 at token 24"
    std::vector<std::string> devices;    ///< names
    std::vector<std::string> blocks;     ///< names
    std::vector<Bytes> weights;          ///< per block; empty: not written
    std::vector<std::int32_t> placement; ///< device per block
    std::int64_t at = 0;                 ///< tokens that had been sampled
    Nanoseconds clock = 0;
};

/// The placement under which a trace's first sequence sampled its token number `at` (0: the first
/// placement; nothing: its last token), and the clock when it had. Throws InputError, naming the
/// file: nothing was decided, or the trace ends before.
[[nodiscard]] WrittenPlacement placement_in_force(
    const trace::Trace& trace, const std::string& file, std::optional<std::int64_t> at
);

/// Throws InputError, naming file and difference: other devices, other blocks (another model,
/// granularity or number of slices), or a placement that is none.
[[nodiscard]] Previous previous_of(
    const WrittenPlacement& written, const scheduler::Fleet& fleet, const scheduler::Blocks& blocks
);

} // namespace headroom::runtime
