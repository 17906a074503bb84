// Passes the command and the scenario with its prompts from `headroom run` to rank 0 of the MPI job
// that `headroom run` starts. Rank 0 does not read the scenario's file again, because it may be a
// pipe. The data go through standard input, which mpirun forwards to rank 0, and not through the
// command line, because mpirun would interpret some arguments (such as a prompt ":").
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/input/run_options.hpp"
#include "config/scenario/scenario.hpp"

namespace headroom::cli {

/// The data that are passed. `scenario` is empty for a resumed run, because rank 0 reads the
/// scenario from the trace.
struct Handover {
    RunCommand command;
    std::optional<config::Scenario> scenario;
};

/// Returns the command line of the ranks, without the name of the program. It contains no text that
/// mpirun could interpret.
[[nodiscard]] std::vector<std::string> rank_arguments(const RunCommand& command);

/// Returns a new file descriptor, owned by the caller, from which read_handover() can read the
/// handover. Throws EnvironmentError if it cannot be created.
[[nodiscard]] int handover_descriptor(const Handover& handover);

/// Called by rank 0. Reads the handover from standard input. Throws EnvironmentError if there is no
/// complete handover.
[[nodiscard]] Handover read_handover();

} // namespace headroom::cli
