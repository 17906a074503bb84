// What `headroom run` hands to rank 0 of the job that it starts: the command and the scenario with
// its prompts, read and checked once. It goes through standard input, which mpirun passes on to
// rank 0, because what came through a pipe cannot be read again, and because mpirun takes words of
// an argument list (a prompt ":") for its own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/input/command_line.hpp"
#include "config/scenario/scenario.hpp"

namespace headroom::cli {

/// Of a run that goes on rank 0 takes the scenario from its trace.
struct Handover {
    RunCommand command;
    std::optional<config::Scenario> scenario;
};

/// The words of the ranks' command line behind the program's name: nothing that a user wrote.
[[nodiscard]] std::vector<std::string> rank_arguments(const RunCommand& command);

/// A new descriptor to read the bytes of the hand-over from. Throws EnvironmentError.
[[nodiscard]] int handover_descriptor(const Handover& handover);

/// Rank 0: from standard input. Throws EnvironmentError if it is not whole.
[[nodiscard]] Handover read_handover();

} // namespace headroom::cli
