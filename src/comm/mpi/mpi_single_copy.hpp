// Finds out whether the ranks of one computer may read each other's memory. Open MPI receives a
// long message by such a read (process_vm_readv). If a container or a kernel setting forbids
// reading, Open MPI prints "Read -1, expected ..." each time and copies the message in another way.
#pragma once

namespace headroom::comm {

/// Returns whether a process may read another process's memory: a child process tries to read the
/// memory of this process. Also returns true if no child process can be started.
[[nodiscard]] bool may_read_other_processes();

/// If reading is forbidden, sets environment variables that keep Open MPI from trying to read.
/// Values that the user has set stay. Precondition: MPI is not started yet, and the process has one
/// thread, because the function calls fork() and setenv().
void avoid_forbidden_single_copy();

} // namespace headroom::comm
