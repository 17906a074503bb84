#include "support/replay_check.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "runtime/offline/replay.hpp"

namespace headroom::support {

void expect_replayable(
    const trace::Trace& trace, const config::Scenario& scenario, const scheduler::Policy& policy
) {
    if (trace.header.model.empty()) {
        return; // the trace has not begun
    }
    const runtime::Replay replay = runtime::replay(trace, scenario, policy);
    if (!replay.differences.empty()) {
        ADD_FAILURE() << fmt::format("replay: {}", fmt::join(replay.differences, "\n"));
    }
    if (replay.intervals != static_cast<std::int64_t>(trace.intervals.size())) {
        ADD_FAILURE() << "replay: " << replay.intervals << " of " << trace.intervals.size();
    }
}

} // namespace headroom::support
