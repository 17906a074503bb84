// Spans that overlap, side by side: viewers draw a track's slices within each other or not at all.
#pragma once

#include <cstddef>
#include <vector>

#include "trace/analysis/request_figures.hpp"

namespace headroom::trace {

/// A lane for each span, so that no two of a lane overlap: the lowest that is free at its begin.
/// Spans ascend by begin; one may begin where another ends. O(n log n).
[[nodiscard]] std::vector<std::size_t> lanes_of(const std::vector<Span>& spans);

} // namespace headroom::trace
