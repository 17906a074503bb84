// What resource_aware tells people about its decision, in one sentence.
#pragma once

#include <optional>
#include <string>

#include "scheduler/policies/search.hpp"
#include "scheduler/problem.hpp"

namespace headroom::scheduler {

/// The first placement of a run.
[[nodiscard]] std::string reason_first(const Decision& decision, std::size_t devices);
/// Nothing moves; `alternative` is the best placement met that would have moved something.
[[nodiscard]] std::string reason_kept(
    const Decision& kept, const std::optional<Alternative>& alternative
);
/// Blocks move; `old` is what keeping the previous placement would have given.
[[nodiscard]] std::string reason_moved(
    const Problem& problem, const Decision& decision, const Decision& old
);

} // namespace headroom::scheduler
