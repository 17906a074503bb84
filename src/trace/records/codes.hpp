// The small numbers that stand for words in a trace, and the words. Files hold both, so that a
// reader needs no list of ours; new codes go at the end of a list.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace headroom::trace {

/// Why an interval's placement is what it is.
enum class Reason : std::int32_t {
    first,      ///< nothing was placed before
    kept,       ///< the decision was to stay
    moved,      ///< blocks moved
    infeasible, ///< no placement fits; the one before stays
    resumed,    ///< the run was broken off and goes on here: placed anew, caches recomputed
};

enum class EventKind : std::int32_t {
    overload,
    infeasible_decision,
    interrupted,
    scenario_event,
    admission_waits
};

/// "table.column" -> names, the code being the index.
using CodeNames = std::map<std::string, std::vector<std::string>>;

/// The lists this room answers for: of blocks.kind, intervals.reason, events.kind and the weight
/// types in /model and /layers.
[[nodiscard]] CodeNames standard_codes();

/// Names of Completion, in order of its values.
[[nodiscard]] const std::vector<std::string>& completion_names();

} // namespace headroom::trace
