// Charts of a trace, drawn with characters for a terminal: a short form of `scripts/report`.
#pragma once

#include <string>

#include "cli/terminal/text_picture.hpp"
#include "trace/analysis/summary.hpp"
#include "trace/records/trace.hpp"

namespace headroom::cli {

/// Returns all charts. They show the time per token, with a mark for each decision; how much of the
/// run's time was computation, migration and the rest, also per device if the trace has operations;
/// the largest share of its memory budget that each device used; the number of K/V heads per device
/// over time; and the links with the most bytes. Each chart has a title and its scale. Charts
/// without data are left out. The text ends with an empty line or is empty.
[[nodiscard]] std::string pictures_text(
    const trace::Trace& trace, const trace::Summary& summary, const PictureStyle& style
);

} // namespace headroom::cli
