// SIGINT, SIGTERM and SIGHUP. As long as nothing has to be put away they end the program where it
// is, even in a read that never returns; then they are a flag that a run looks at between steps, so
// that the trace is closed.
#pragma once

namespace headroom::cli {

/// Keeps SIGINT, SIGTERM and SIGHUP waiting until catch_interrupts(), also across exec.
void hold_interrupts();

/// From now on SIGINT, SIGTERM and SIGHUP end the program at once, with their exit codes. SIGHUP, a
/// closed terminal, is like SIGTERM, but stays ignored if it was (nohup). Caught are also the
/// stand-ins SIGUSR1 and SIGUSR2, which mpirun passes on to its ranks where it would end them on
/// the real ones; a rank only notes them all. SIGPIPE is ignored: the trace matters
/// more than who reads the text.
void catch_interrupts();

/// From now on they are only noted: there is a file to close or to remove, or a process to end.
/// Whoever calls this looks at interrupted().
void note_interrupts();

/// A rank, early: when the process that started it is killed, interrupted() becomes 3, and the rank
/// ends within seconds even where it hangs.
void end_with_launcher();

/// 0, or the exit code that a signal asked for: 130 (SIGINT) or 143 (SIGTERM, SIGHUP).
/// In a job that we started ourselves the user's signals come as SIGUSR1 and SIGUSR2; SIGINT,
/// SIGTERM or SIGHUP there mean that mpirun is ending the job, because another rank is gone: 3.
[[nodiscard]] int interrupted();
/// The same once that was a second ago: what cannot come to its end in order by then gives up where
/// it is (a StopCheck).
[[nodiscard]] int interrupted_long_ago();
/// Is this exit code a user's SIGINT or SIGTERM?
[[nodiscard]] bool is_interrupt(int code);
/// How many signals have come.
[[nodiscard]] int times_interrupted();
/// The process that asked a rank of ours to end, before mpirun did; 0: none.
[[nodiscard]] int interrupted_by_stranger();

/// Set in the environment of ranks that we started.
inline constexpr const char* kSelfStarted = "HEADROOM_SELF_STARTED";

} // namespace headroom::cli
