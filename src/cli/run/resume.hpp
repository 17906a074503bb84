// `headroom run --resume TRACE`: what the trace of a run that was broken off says of how it goes
// on.
#pragma once

#include <string>

#include "cli/input/command_line.hpp"
#include "cli/terminal/console.hpp"
#include "config/scenario/scenario.hpp"
#include "runtime/messages/resume_point.hpp"
#include "trace/hdf5/reader.hpp"

namespace headroom::cli {

struct Resumption {
    trace::Trace
        trace; ///< as it goes into the new file: sequences that were cut off have not ended
    config::Scenario scenario;
    runtime::ResumePoint point;
    std::string kernels;    ///< level that must be used; empty: any of those with the same bits
    std::string model_hash; ///< of the weights; empty: not known
};

/// Throws InputError: a trace that is being written, a simulation, of an older schema version, or
/// one whose scenario or kernels cannot be used here.
[[nodiscard]] Resumption resumption_of(const RunCommand& command, trace::TraceFile file);

/// Of a run all of whose sequences have ended, whether its trace was closed or not.
[[nodiscard]] bool has_nothing_to_resume(const trace::TraceFile& file);

/// How it goes on, for people.
[[nodiscard]] std::string resumption_text(const RunCommand& command, const Resumption& resumption);

/// The texts of sequences that have ended, as the run showed them; `several`: of a run that could
/// have several in flight.
void show_texts(Console& console, const trace::Trace& trace, bool several);

/// Such a run: shows its text, says so, and closes the trace. Returns the exit code.
[[nodiscard]] int finish_resumed(const RunCommand& command, const trace::TraceFile& file);

} // namespace headroom::cli
