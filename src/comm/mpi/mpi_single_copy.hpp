// Whether ranks of one computer may read each other's memory. Open MPI copies long messages that
// way (process_vm_readv), and where a container or a kernel setting forbids it, prints a line for
// every message ("Read -1, expected ...") before it takes another way.
#pragma once

namespace headroom::comm {

/// Tried with a child of this process that reads from it, as a rank reads from another.
[[nodiscard]] bool may_read_other_processes();

/// Tells Open MPI not to try where it is forbidden, unless its user has said something about it.
/// Before MPI is started, and before there are threads.
void avoid_forbidden_single_copy();

} // namespace headroom::comm
