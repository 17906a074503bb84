// Distributes overlapping spans of time over tracks, the rows of bars in a trace viewer, because a
// viewer cannot draw two bars of one track that overlap.
#pragma once

#include <cstddef>
#include <vector>

#include "trace/analysis/request_figures.hpp"

namespace headroom::trace {

/// Returns the index of a track for each span, so that no two spans of a track overlap. Each span
/// gets the lowest index that is free when it begins. The spans must be ordered by begin. A span
/// may begin where another one of its track ends. O(n log n).
[[nodiscard]] std::vector<std::size_t> track_indices(const std::vector<Span>& spans);

} // namespace headroom::trace
