// What happened to a run: its scenario's events, and what it met on the way.
#pragma once

#include <string>
#include <vector>

#include "config/scenario/scenario.hpp"
#include "trace/records/trace.hpp"

namespace headroom::cli {

/// What the scenario did to the fleet. Empty if this version cannot read the scenario any more.
[[nodiscard]] std::vector<config::Event> scenario_events(const trace::Trace& trace);

/// First the scenario's, then what was met on the way; of many the first ones. Empty: nothing.
[[nodiscard]] std::string event_list(const trace::Trace& trace);

} // namespace headroom::cli
