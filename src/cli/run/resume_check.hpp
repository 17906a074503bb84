// `headroom run --resume TRACE`: checks that nobody has changed the trace, before the run continues
// from it.
#pragma once

#include <map>
#include <string>

#include "cli/input/run_options.hpp"
#include "cli/run/resume.hpp"

namespace headroom::cli {

/// Name of the trace attribute that holds scenario_hash(). The hash also covers scenario keys that
/// a replay cannot check because no recorded row depends on them yet, such as a future event.
inline constexpr const char* kScenarioHash = "scenario_hash";
/// Returns a checksum of the text of the scenario and of its input files, as 16 hexadecimal digits.
[[nodiscard]] std::string scenario_hash(
    const std::string& text, const std::map<std::string, std::string>& input_files
);

/// Checks the hash of the scenario and replays the trace (computes it again from its own contents,
/// as `headroom replay` does). Shows the progress on a terminal. Throws InputError if the hash or
/// the replay differs, because the trace is then damaged. If another version of the program wrote a
/// part of the trace, a replay that differs causes only a warning. Warns if another version of the
/// policy decided, because its decisions are not verified. Does nothing in ranks that headroom
/// started itself, because the launching process has checked the trace. `goes_on` says whether the
/// run will make further decisions.
void check_derivable(const RunCommand& command, const trace::Trace& trace, bool goes_on);

/// Compares the model's shape, prompts, tokens and texts in the trace with the scenario's model
/// file. Throws InputError if they differ; different texts in a trace of another program version
/// are only a warning. Does nothing in ranks that headroom started itself, or if the file is
/// missing, which is reported later.
void check_fits_model(
    const RunCommand& command, const trace::Trace& trace, const config::Scenario& scenario
);

} // namespace headroom::cli
