// Simulations of whole runs, and the part of a run's trace that a simulation must reproduce.
#pragma once

#include "support/fleet_run.hpp"

namespace headroom::support {

/// Simulates the scenario under its own policy or the given one. The trace has all operations and
/// messages.
[[nodiscard]] FleetRun simulated(
    const config::Scenario& scenario, const scheduler::Policy* policy = nullptr
);

/// Returns the trace without the values that depend on weights, as a simulation leaves it.
[[nodiscard]] trace::Trace without_values(trace::Trace trace);

} // namespace headroom::support
