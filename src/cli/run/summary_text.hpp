// The summary of a run as text and as JSON.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "trace/analysis/figure_table.hpp"
#include "trace/analysis/summary.hpp"

namespace headroom::cli {

/// Returns the summary as aligned lines: latencies, decisions, migrations, predicted and measured
/// times, followed by a table of the sequences, if there are several, and a table of the devices.
[[nodiscard]] std::string summary_text(const trace::Summary& summary);
/// Returns one number of the summary as JSON; null if the run has no such number, such as the time
/// per output token of a run with a single token.
[[nodiscard]] nlohmann::json json_of(const trace::Figure& figure);
/// Returns the summary as one JSON object with times in nanoseconds. Missing times are null.
[[nodiscard]] nlohmann::json summary_json(const trace::Summary& summary);

/// Prints the JSON to stdout. Invalid UTF-8, such as an incomplete character of a generated text,
/// becomes a replacement character. Throws EnvironmentError if stdout cannot be written.
void print_json(const nlohmann::json& json);

} // namespace headroom::cli
