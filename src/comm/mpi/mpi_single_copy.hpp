// Finds out whether the ranks of one computer may read each other's memory. Open MPI copies long
// messages by such a read (process_vm_readv). If a container or a kernel setting forbids such
// reads, Open MPI prints "Read -1, expected ..." for every message and copies it in another way.
#pragma once

namespace headroom::comm {

/// Returns whether a process may read another process's memory. To find out, a child process tries
/// to read the memory of this process.
[[nodiscard]] bool may_read_other_processes();

/// If reading is forbidden, sets environment variables that keep Open MPI from trying, unless the
/// user has set them. Precondition: MPI is not started yet, and the process has one thread.
void avoid_forbidden_single_copy();

} // namespace headroom::comm
