// Codes are small numbers that stand for names in a trace (a run's output file). The file also
// holds the names, so that other programs need no list of their own. A new code must be the last of
// its list, so that the codes in older traces keep their meaning.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace headroom::trace {

/// The reason for the placement (the device of each block) that follows a decision.
enum class Reason : std::int32_t {
    first,      ///< the first placement of the run
    kept,       ///< the decision kept the previous placement
    moved,      ///< the decision moved blocks
    infeasible, ///< no placement meets all constraints; the previous placement stays
    resumed,    ///< the run was resumed here: blocks were placed anew and caches recomputed
};

/// The kinds of rows of /events. No run writes infeasible_decision or scenario_event at present.
enum class EventCode : std::int32_t {
    overload,            ///< a device held more than its memory budget when a turn began
    infeasible_decision, ///< no placement was feasible
    interrupted,         ///< a signal ended the run or cut off a sequence
    scenario_event,      ///< an event of the scenario took place
    admission_waits      ///< a request could not begin: a device lacked memory for its KV cache
};

/// Maps "table.column" to the names of that column's codes. A code is the index of its name.
using CodeNames = std::map<std::string, std::vector<std::string>>;

/// Returns the names of the codes of blocks.kind, intervals.reason, events.kind and the weight
/// types of /model and /layers. The names of intervals.policy and messages.kind are missing,
/// because they come from the scheduler.
[[nodiscard]] CodeNames standard_codes();

/// Returns the names of the values of Completion (records.hpp), in the order of the values.
[[nodiscard]] const std::vector<std::string>& completion_names();

} // namespace headroom::trace
