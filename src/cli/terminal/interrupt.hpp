// Handling of SIGINT, SIGTERM and SIGHUP. By default they end the program at once, even inside a
// read that never returns. After defer_interrupts() they are only recorded, and the program asks
// interrupted() between steps so that it can close the trace first.
#pragma once

namespace headroom::cli {

/// Blocks SIGINT, SIGTERM and SIGHUP until install_interrupt_handlers() is called. They stay
/// blocked if the program executes itself again, as it may do to choose the kernels of OpenBLAS.
void block_interrupts();

/// Installs the handlers and unblocks the signals. From here on, SIGINT, SIGTERM and SIGHUP end the
/// program with their exit codes; in an MPI rank they are only recorded, as after
/// defer_interrupts(). SIGHUP is treated like SIGTERM, but stays ignored if it was ignored (nohup).
/// SIGUSR1 stands for SIGINT and SIGUSR2 for SIGTERM, because mpirun forwards SIGUSR1 and SIGUSR2
/// to its ranks but ends the ranks on SIGINT and SIGTERM. SIGPIPE is ignored, so that a run
/// finishes its trace even if nobody reads its text.
void install_interrupt_handlers();

/// From here on, signals are only recorded, so that the caller can close or remove a file or end a
/// process first. The caller must ask interrupted() regularly.
void defer_interrupts();

/// Called early by a rank. If the process that started the rank is killed, interrupted() returns 3
/// from then on, and the rank ends within seconds even if it hangs.
void end_with_launcher();

/// Returns 0, or the exit code that a signal asked for: 130 (SIGINT) or 143 (SIGTERM, SIGHUP). In a
/// job that headroom started itself, the user's signals arrive as SIGUSR1 and SIGUSR2. There, a
/// SIGINT, SIGTERM or SIGHUP normally means that mpirun ends the job because another rank has
/// failed; the code for these signals is then 3 (ExitCode::environment).
[[nodiscard]] int interrupted();
/// Returns 0 until one second after the first signal, then interrupted(). If interrupted() is 3,
/// returns 3 at once. Work that cannot be completed within that second is given up.
[[nodiscard]] int interrupt_grace_expired();
/// Whether the exit code is that of a user's SIGINT or SIGTERM.
[[nodiscard]] bool is_interrupt_code(int code);
[[nodiscard]] int interrupt_count();
/// In a rank of a job that headroom started, returns the id of the process that sent the first
/// signal to end this rank; 0 if mpirun sent it or there was no such signal.
[[nodiscard]] int foreign_signal_sender();

/// Environment variable that is set for ranks that headroom started itself.
inline constexpr const char* kStartedByHeadroom = "HEADROOM_SELF_STARTED";

} // namespace headroom::cli
