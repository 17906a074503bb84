// `headroom run`: from the command line to devices at work, over either transport.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/input/command_line.hpp"
#include "comm/transport.hpp"
#include "runtime/session/session.hpp"

namespace headroom::cli {

[[nodiscard]] int run_command(const RunCommand& command);

/// One rank of a job that mpirun or srun started.
[[nodiscard]] int run_as_rank(const RunCommand& command);

// Shared by both.

/// Throws InputError if it has no weights.
[[nodiscard]] config::Scenario scenario_of(const RunCommand& command, bool model_must_exist);

struct KernelWish {
    kernels::Level level = kernels::Level::reference;
    bool told = false; ///< by the user, not found on the CPU
};
/// By --kernels, else HEADROOM_KERNELS; empty: neither.
[[nodiscard]] std::string told_kernels(const RunCommand& command);
/// What a run that goes on needs, else what was told, else the best. Throws
/// InputError if this CPU lacks the level.
[[nodiscard]] KernelWish kernels_of(const RunCommand& command, const std::string& needed = "");

/// How long a rank may give no sign of life: 30 s, or HEADROOM_SILENCE. Throws InputError.
[[nodiscard]] std::chrono::nanoseconds silence_limit();

/// deadline: of a wait that no emulated time is behind.
[[nodiscard]] comm::Transport::Options transport_options(
    const config::Scenario& scenario, std::chrono::nanoseconds deadline
);

} // namespace headroom::cli
