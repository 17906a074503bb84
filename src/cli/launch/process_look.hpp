// What the system says of other processes, in /proc.
#pragma once

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace headroom::cli {

/// This program, to be run again.
inline constexpr const char* kSelf = "/proc/self/exe";

struct ProcessLook {
    pid_t process = 0;
    pid_t parent = 0;
    char state = '?';        ///< 'T': stopped
    long long processor = 0; ///< time used, in ticks
};

/// Nothing if it is not there.
[[nodiscard]] std::optional<ProcessLook> look_at(pid_t process);

/// All that is below it, itself excluded; parents first.
[[nodiscard]] std::vector<pid_t> descendants(pid_t process);

/// The number that mpirun has given to a process; nothing if it is no rank.
[[nodiscard]] std::optional<int> rank_of(pid_t process);

/// How often the system has ended a process because memory ran out; nothing where it does not say.
[[nodiscard]] std::optional<long long> out_of_memory_kills();

/// Whether it has done so since this was made.
class OutOfMemoryWatch {
  public:
    [[nodiscard]] std::optional<bool> seen() const;

  private:
    std::optional<long long> before_ = out_of_memory_kills();
};

/// What to say behind "was ended by signal N": who sends SIGKILL is not told, but the system counts
/// what it ends for want of memory.
[[nodiscard]] std::string why_killed(int signal, std::optional<bool> out_of_memory);

} // namespace headroom::cli
