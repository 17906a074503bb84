// Finds out whether the ranks of one computer may read each other's memory. Open MPI copies long
// messages in that way (process_vm_readv). If a container or a kernel setting forbids it, Open MPI
// prints a line for every message ("Read -1, expected ...") before it uses another way.
#pragma once

namespace headroom::comm {

/// Returns whether a process may read another one's memory. To find out, a child process tries to
/// read the memory of this process.
[[nodiscard]] bool may_read_other_processes();

/// If reading is forbidden, sets environment variables that keep Open MPI from trying it, unless
/// the user has set them. Precondition: MPI is not started yet, and the process has one thread.
void avoid_forbidden_single_copy();

} // namespace headroom::comm
