// SIGINT and SIGTERM as a flag that the run looks at between steps, so that the trace is closed.
#pragma once

namespace headroom::cli {

/// Catches SIGINT, SIGTERM and their stand-ins SIGUSR1 and SIGUSR2, which mpirun passes on to its
/// ranks where it would end them on the real ones. SIGPIPE is ignored: the trace matters more than
/// who reads the text.
void catch_interrupts();

/// 0, or the exit code that a signal asked for: 130 (SIGINT) or 143 (SIGTERM).
[[nodiscard]] int interrupted();

} // namespace headroom::cli
