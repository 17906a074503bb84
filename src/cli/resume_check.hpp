// `headroom run --resume TRACE`: is what the run goes on from what a run has left?
#pragma once

#include "cli/command_line.hpp"
#include "cli/resume.hpp"

namespace headroom::cli {

/// Derives all that the trace records once more, as `headroom replay` does, with progress on a
/// terminal. Throws InputError with the first difference: it was damaged. If another version of the
/// program wrote it, which may have decided differently, that is a warning.
/// In ranks that this program started itself it has been done.
void check_derivable(const RunCommand& command, const trace::Trace& trace);

} // namespace headroom::cli
