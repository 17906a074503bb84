// `headroom run`, with ranks of MPI or in one process, and the settings that both ways share.
#pragma once

#include <chrono>
#include <string>

#include "cli/input/run_options.hpp"
#include "comm/transport.hpp"
#include "runtime/session/session.hpp"

namespace headroom::cli {

/// Does the work of one rank in a job that mpirun or srun started. Returns the exit code. If the
/// run fails on this rank, reports the error and aborts the job.
[[nodiscard]] int run_as_rank(const RunCommand& command);

/// Returns the scenario of the command. Throws InputError if the scenario describes its model
/// without a file of weights or, with `model_must_exist`, if that file is missing.
[[nodiscard]] config::Scenario load_run_scenario(const RunCommand& command, bool model_must_exist);

struct KernelSelection {
    kernels::Level level = kernels::Level::reference;
    bool requested = false; ///< the user or the resumed run asked for this level
};

/// Returns the value of --kernels or else of HEADROOM_KERNELS; empty if neither is given.
[[nodiscard]] std::string requested_kernels(const RunCommand& command);
/// Returns the kernels (functions for the arithmetic) of a run. `needed` names those that a resumed
/// run must use. If `needed` is empty, the kernels are requested_kernels() or, if that is empty
/// too, the best for this CPU. Throws InputError if the name is unknown or this CPU cannot run
/// these kernels.
[[nodiscard]] KernelSelection select_kernels(
    const RunCommand& command, const std::string& needed = ""
);

/// Returns how long a rank may give no sign of life before the run ends: HEADROOM_SILENCE in
/// seconds (0: no limit), else 30 s. Throws InputError if the variable is negative or not whole.
[[nodiscard]] std::chrono::nanoseconds silence_limit();

/// Returns the options for all transports of a run. `deadline` limits the wait for a message; if
/// the clock is paced (waits in real time), the limit is raised to at least one hour.
[[nodiscard]] comm::Transport::Options transport_options(
    const config::Scenario& scenario, std::chrono::nanoseconds deadline
);

} // namespace headroom::cli
