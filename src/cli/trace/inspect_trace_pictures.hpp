// What the HTML report shows of a trace, in short, for a terminal.
#pragma once

#include <string>

#include "cli/terminal/text_picture.hpp"
#include "trace/analysis/summary.hpp"
#include "trace/records/trace.hpp"

namespace headroom::cli {

/// Latency per token with decisions marked, where the time went, memory against budget, groups
/// per device over time, the links used most. Each with a title and its scale; what there is
/// nothing to show of is left out. Ends with an empty line unless it is empty.
[[nodiscard]] std::string pictures_text(
    const trace::Trace& trace, const trace::Summary& summary, const PictureStyle& style
);

} // namespace headroom::cli
