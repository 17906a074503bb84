// Simulations of whole runs, and what of a run's trace they can have.
#pragma once

#include "support/fleet_run.hpp"

namespace headroom::support {

/// With the scenario's policy or another one; operations and messages are recorded.
[[nodiscard]] FleetRun simulated(
    const config::Scenario& scenario, const scheduler::Policy* policy = nullptr
);

/// A run's trace as a simulation leaves it: without the values that only weights can give.
[[nodiscard]] trace::Trace without_values(trace::Trace trace);

} // namespace headroom::support
