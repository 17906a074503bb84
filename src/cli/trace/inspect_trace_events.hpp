// The events of a run. The scenario describes some of them: changes of devices and links. The run
// itself recorded the others, such as that a device exceeded its memory budget.
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

/// Returns a table of the scenario's events, followed by the first 12 events that the run recorded
/// and the number of its other events. Returns "" if there are no events.
[[nodiscard]] std::string event_list(const trace::Trace& trace);

} // namespace headroom::cli
