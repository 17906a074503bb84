// `headroom run --resume TRACE`: is what the run goes on from what a run has left?
#pragma once

#include <map>
#include <string>

#include "cli/input/command_line.hpp"
#include "cli/run/resume.hpp"

namespace headroom::cli {

/// Attribute of a trace: of the scenario's text and of the files that it reads. What no row of a
/// trace depends on yet, a sampling key or an event to come, can be checked by nothing else.
inline constexpr const char* kScenarioHash = "scenario_hash";
[[nodiscard]] std::string scenario_hash(
    const std::string& text, const std::map<std::string, std::string>& input_files
);

/// Derives all that the trace records once more, as `headroom replay` does, with progress on a
/// terminal. Throws InputError with the first difference: it was damaged. If another version of the
/// program wrote it, which may have decided differently, that is a warning.
/// In ranks that this program started itself it has been done.
void check_derivable(const RunCommand& command, const trace::Trace& trace);

/// The model's shape, prompts, tokens and texts against the scenario's model file. Throws
/// InputError. Where there is no such file, the set-up of the run will say so.
void check_fits_model(
    const RunCommand& command, const trace::Trace& trace, const config::Scenario& scenario
);

} // namespace headroom::cli
