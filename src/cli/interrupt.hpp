// SIGINT, SIGTERM and SIGHUP as a flag that the run looks at between steps, so that the trace is
// closed.
#pragma once

namespace headroom::cli {

/// Keeps SIGINT, SIGTERM and SIGHUP waiting until catch_interrupts(), also across exec.
void hold_interrupts();

/// Catches SIGINT, SIGTERM and their stand-ins SIGUSR1 and SIGUSR2, which mpirun passes on to its
/// ranks where it would end them on the real ones. SIGHUP, a closed terminal, is like SIGTERM, but
/// stays ignored if it was (nohup). SIGPIPE is ignored: the trace matters more than who reads the
/// text.
void catch_interrupts();

/// A rank, early: when the process that started it is killed, interrupted() becomes 3, and the rank
/// ends within seconds even where it hangs.
void end_with_launcher();

/// 0, or the exit code that a signal asked for: 130 (SIGINT) or 143 (SIGTERM, SIGHUP).
/// In a job that we started ourselves the user's signals come as SIGUSR1 and SIGUSR2; SIGINT,
/// SIGTERM or SIGHUP there mean that mpirun is ending the job, because another rank is gone: 3.
[[nodiscard]] int interrupted();
/// Is this exit code a user's SIGINT or SIGTERM?
[[nodiscard]] bool is_interrupt(int code);
/// How many signals have come.
[[nodiscard]] int times_interrupted();
/// The process that asked a rank of ours to end, before mpirun did; 0: none.
[[nodiscard]] int interrupted_by_stranger();

/// Set in the environment of ranks that we started.
inline constexpr const char* kSelfStarted = "HEADROOM_SELF_STARTED";

} // namespace headroom::cli
