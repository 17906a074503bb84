// Codes are small numbers that stand for names in a trace. A file holds the codes and the names, so
// that readers need no list of their own. New codes are added at the end of a list.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace headroom::trace {

/// The reason for the placement of an interval.
enum class Reason : std::int32_t {
    first,      ///< the first placement of the run
    kept,       ///< the decision kept the previous placement
    moved,      ///< the decision moved blocks
    infeasible, ///< no placement meets all constraints; the previous one stays
    resumed,    ///< the run was resumed here: blocks were placed anew and caches recomputed
};

enum class EventCode : std::int32_t {
    overload,            ///< a device was over its budget when a turn began
    infeasible_decision, ///< no placement was feasible
    interrupted,         ///< a signal ended the run
    scenario_event,      ///< an event of the scenario took place
    admission_waits      ///< a request could not begin because a device lacked memory for caches
};

/// Maps "table.column" to the names of the column's codes. A code is an index into these names.
using CodeNames = std::map<std::string, std::vector<std::string>>;

/// Returns the names of all codes but intervals.policy and messages.kind, whose names come from the
/// scheduler: blocks.kind, intervals.reason, events.kind and the weight types of /model and
/// /layers.
[[nodiscard]] CodeNames standard_codes();

/// Returns the names of the values of Completion, in their order.
[[nodiscard]] const std::vector<std::string>& completion_names();

} // namespace headroom::trace
