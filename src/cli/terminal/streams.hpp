// Makes stdin, stdout and stderr safe against closed descriptors, full disks and file size limits.
#pragma once

#include <string>

namespace headroom::cli {

/// Must be called before the process opens any file. If descriptor 0, 1 or 2 is closed, the system
/// would give its number to the next file, and output could end up in a trace. The function opens
/// /dev/null in its place: read-only for descriptors 0 and 1, so that printing to a closed stdout
/// fails.
void prepare_streams();

/// Ignores SIGXFSZ: a write beyond the file size limit (ulimit -f) then fails like a write to a
/// full disk, instead of ending the program without a message. A rank must call this function only
/// after MPI has been initialised: if the limit prevents MPI from making its shared files, the
/// signal has to end the rank, because mpirun would otherwise wait for that rank without limit.
void ignore_size_limit_signal();

/// Whether writing to the descriptor always fails because it is closed or open for reading only.
[[nodiscard]] bool is_closed_for_writing(int descriptor);

/// Flushes standard output. Throws EnvironmentError if stdout is closed or is a file or device that
/// did not take all output. A pipe whose reader has left is no error.
void check_stdout_was_written();

/// Returns why a write failed with this errno, and what the user can do about it.
[[nodiscard]] std::string write_failure_reason(int error);

} // namespace headroom::cli
