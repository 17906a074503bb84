// Every run that a test makes is replayed: a trace must hold all that its run depended on.
#pragma once

#include "config/scenario/scenario.hpp"
#include "scheduler/policies/policy.hpp"
#include "trace/records/trace.hpp"

namespace headroom::support {

/// Fails the test at hand if the replay of its trace differs. A trace that was not begun is fine.
void expect_replayable(
    const trace::Trace& trace, const config::Scenario& scenario, const scheduler::Policy& policy
);

} // namespace headroom::support
