// `headroom run --resume TRACE`: reads from the trace of an unfinished run how to continue it.
#pragma once

#include <string>

#include "cli/input/run_options.hpp"
#include "cli/terminal/console.hpp"
#include "config/scenario/scenario.hpp"
#include "runtime/messages/resume_point.hpp"
#include "trace/hdf5/reader.hpp"

namespace headroom::cli {

struct Resumption {
    /// The recorded intervals (from one decision to the next), which are written to the new trace.
    /// Sequences (requests being decoded) that the interruption cut off count as not ended.
    trace::Trace trace;
    config::Scenario scenario;
    runtime::ResumePoint point;
    /// Kernels that the run must use to compute the same bits as the recorded run. Empty if the
    /// kernels that it would use anyway do so.
    std::string kernels;
    std::string model_hash; ///< hash of the weights; empty if unknown
};

/// Checks the trace and returns what is needed to continue its run. Throws InputError if the trace
/// is being written, is damaged, is not from `headroom run`, has an older schema version, or needs
/// a scenario or kernels that cannot be used here.
[[nodiscard]] Resumption prepare_resumption(const RunCommand& command, trace::TraceFile file);

/// Whether all sequences of the recorded run have ended, so that nothing is left to compute. Also
/// true for a run that was killed after its last sequence had ended and before it closed its trace.
[[nodiscard]] bool is_complete(const trace::TraceFile& file);

/// Returns one line with the numbers of recorded intervals and tokens and of sequences left to
/// decode.
[[nodiscard]] std::string resumption_text(const RunCommand& command, const Resumption& resumption);

/// Prints the texts of the sequences that have ended, as the run printed them. `several` says
/// whether the run could decode several sequences at once; each text then gets a heading.
void print_recorded_texts(Console& console, const trace::Trace& trace, bool several);

/// Closes the trace of a run and prints the texts, or with --json the summary. Returns the exit
/// code. Precondition: is_complete().
[[nodiscard]] int finish_complete_run(const RunCommand& command, const trace::TraceFile& file);

} // namespace headroom::cli
