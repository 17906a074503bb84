// The events of a run: changes of devices and links that the scenario describes, and what the run
// itself recorded, such as a device that exceeded its memory budget.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "config/scenario/scenario.hpp"
#include "trace/records/trace.hpp"

namespace headroom::cli {

/// Returns the events of the trace's scenario. Returns an empty list if this version of the program
/// cannot read the scenario.
[[nodiscard]] std::vector<config::Event> scenario_events(const trace::Trace& trace);

[[nodiscard]] nlohmann::json event_json(const config::Event& event);

/// Returns a table of the scenario's events, followed by the first events that the run recorded.
/// Returns "" if there are no events.
[[nodiscard]] std::string event_list(const trace::Trace& trace);

} // namespace headroom::cli
