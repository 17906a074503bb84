// Information about other processes (from /proc), and functions for starting child processes.
#pragma once

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace headroom::cli {

/// Path for executing this program again.
inline constexpr const char* kSelf = "/proc/self/exe";

/// Called in a new child process before exec. The child gets SIGTERM when its parent ends. It gets
/// no signals from the terminal, because it is in a process group of its own; after Ctrl-C the
/// parent sends it a signal. SIGINT, SIGTERM, SIGUSR1 and SIGUSR2 have their default effects again.
void prepare_child(pid_t parent);

/// Returns pointers to the words, as exec() expects them. The words must outlive the result.
[[nodiscard]] std::vector<char*> pointers_to(std::vector<std::string>& words);

struct ProcessStatus {
    pid_t process = 0;
    pid_t parent = 0;
    char state = '?';        ///< 'T' means stopped by a signal
    long long cpu_ticks = 0; ///< CPU time used, in clock ticks
};

/// Returns the status of the process; empty if there is no such process.
[[nodiscard]] std::optional<ProcessStatus> process_status(pid_t process);

/// Returns the descendants of the process without the process itself, parents before children.
[[nodiscard]] std::vector<pid_t> descendants(pid_t process);

/// Returns the MPI rank of the process; empty if it is not a rank of mpirun.
[[nodiscard]] std::optional<int> rank_of(pid_t process);

/// Returns how many processes the system has killed for lack of memory since it was started; empty
/// if the system does not count such processes.
[[nodiscard]] std::optional<long long> out_of_memory_kills();

/// Detects whether the system kills a process for lack of memory after the watch was created.
class OutOfMemoryWatch {
  public:
    /// Whether the system has killed a process; empty if the system does not count such kills.
    [[nodiscard]] std::optional<bool> has_killed() const;

  private:
    std::optional<long long> before_ = out_of_memory_kills();
};

/// Returns the probable reason for a signal, as the rest of a sentence that begins "was ended by
/// signal N". The sender of a SIGKILL is unknown, but `out_of_memory` (from OutOfMemoryWatch) says
/// whether the system may have sent it.
[[nodiscard]] std::string kill_reason(int signal, std::optional<bool> out_of_memory);

} // namespace headroom::cli
