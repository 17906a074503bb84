// Protects the program while HDF5 reads a file of unknown origin. If damaged metadata has valid
// checksums, HDF5 1.10 can crash, loop without end or allocate gigabytes. While the guard exists, a
// crash ends the program with an error message and exit code 2, memory is limited according to the
// size of the file, and SIGINT and SIGTERM end the program at once, even in an endless loop.
#pragma once

#include <optional>
#include <string>
#include <sys/resource.h>

#include "base/process/crash_handlers.hpp"

namespace headroom::trace::h5 {

class CrashGuard {
  public:
    /// `path` is the file that is read. A process may have only one guard at a time.
    explicit CrashGuard(const std::string& path);
    CrashGuard(const CrashGuard&) = delete;
    CrashGuard& operator=(const CrashGuard&) = delete;
    ~CrashGuard();

    [[nodiscard]] bool limits_memory() const { return limits_memory_; }

  private:
    std::optional<CrashHandlers> handlers_;
    rlimit previous_limit_{};
    bool limits_memory_ = false;
};

} // namespace headroom::trace::h5
