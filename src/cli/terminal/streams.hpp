// Standard input, output and error, as whoever started the program left them.
#pragma once

#include <string>

namespace headroom::cli {

/// First of all in every process, before it opens anything: a descriptor 0, 1 or 2 that is closed
/// would be given to the next file, and what is printed would land in a trace. In its place comes
/// /dev/null, for output one that takes nothing, so that text which nobody can get is an error and
/// not "told".
void prepare_streams();

/// From now on a file that reaches a limit of its size (ulimit -f) fails as on a full disk; the
/// signal would end the program without a word. Ranks: not before MPI has begun, because mpirun
/// waits for ever for ranks that only find that the files that they share cannot be made.
void survive_size_limits();

/// Whether nothing can ever be written to it: it was closed, or opened for reading.
[[nodiscard]] bool is_closed_for_writing(int descriptor);

/// Whether everything that was printed on standard output has arrived, as far as it matters: a
/// reader of a pipe may leave when it has seen enough, a file that lacks the end is wrong.
/// Throws EnvironmentError if not.
void check_all_was_told();

/// Why something could not be written to a stream, and what was expected of it.
[[nodiscard]] std::string why_not_written(int error);

} // namespace headroom::cli
