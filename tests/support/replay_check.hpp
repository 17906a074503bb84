// Replays the runs of tests: a trace must contain everything that its run depended on.
#pragma once

#include "config/scenario/scenario.hpp"
#include "scheduler/policies/policy.hpp"
#include "trace/records/trace.hpp"

namespace headroom::support {

/// Fails the running test if the replay of the trace differs. A trace that has not begun passes.
void expect_replayable(
    const trace::Trace& trace, const config::Scenario& scenario, const scheduler::Policy& policy
);

} // namespace headroom::support
