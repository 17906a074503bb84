// How a job of ours ends: what its exit code means, and ending one that does not end by itself.
#pragma once

#include <optional>
#include <string>
#include <sys/types.h>

#include "cli/launch/relay.hpp"
#include "cli/launch/start_watch.hpp"

namespace headroom::cli {

struct JobEnd {
    int status = 0; ///< of mpirun, as waitpid gives it
    JobStep step = JobStep::launched;
    int asked = 0;               ///< exit code that the user's signal asked for; 0: none came
    std::string lost = "a rank"; ///< who ended first, if known
    /// Has the system ended processes meanwhile because memory ran out? Nothing: it does not say.
    std::optional<bool> out_of_memory{};
};

/// The exit code of the run. Throws EnvironmentError where nobody else has told what happened: a
/// rank that was killed leaves no message of its own.
[[nodiscard]] int meaning(const JobEnd& end);

/// Asks mpirun to end its job, and after two seconds kills it and all below it. Says nothing.
void end_mpirun(pid_t mpirun, Relay& relay);

} // namespace headroom::cli
