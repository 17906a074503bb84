// The end of an MPI job that headroom started: its exit code, and how to end it by force.
#pragma once

#include <optional>
#include <string>
#include <sys/types.h>

#include "cli/launch/pipe_forwarder.hpp"
#include "cli/launch/start_watch.hpp"

namespace headroom::cli {

struct JobEnd {
    int status = 0;                          ///< wait status of mpirun, from waitpid()
    StartStage stage = StartStage::launched; ///< how far the start of the job had come
    int requested_exit_code = 0;      ///< exit code that a user's signal asks for; 0: no signal
    bool no_trace = false;            ///< the run writes no trace
    std::string lost_rank = "a rank"; ///< the rank that ended first, for messages
    /// Whether the system killed processes for lack of memory during the job; empty if unknown.
    std::optional<bool> out_of_memory{};
};

/// Returns the exit code of the run. Throws EnvironmentError if mpirun or a rank ended without
/// reporting a reason, for example because it was killed.
[[nodiscard]] int job_exit_code(const JobEnd& end);

/// Asks mpirun to end the job. If mpirun has not ended after two seconds, kills it and all its
/// descendants. Prints nothing, and discards what the job prints meanwhile.
void end_mpirun(pid_t mpirun, PipeForwarder& forwarder);

} // namespace headroom::cli
