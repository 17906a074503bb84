// HDF5 1.10 trusts the metadata of a file further than it should: where checksums fit, but what
// they guard does not, it can crash, loop, and ask for gigabytes. While a file that nobody vouches
// for is read, a crash is a sentence and an exit code, memory is what a file of its size may need,
// and SIGINT and SIGTERM end the program at once: nothing has been begun that would have to be
// closed.
#pragma once

#include <array>
#include <csignal>
#include <string>
#include <sys/resource.h>

namespace headroom::trace::h5 {

class BreakdownGuard {
  public:
    /// `path` is for the sentence, and for the size. One at a time in a process.
    explicit BreakdownGuard(const std::string& path);
    BreakdownGuard(const BreakdownGuard&) = delete;
    BreakdownGuard& operator=(const BreakdownGuard&) = delete;
    ~BreakdownGuard();

    /// Whether memory is limited by this guard, and not by whoever started the program.
    [[nodiscard]] bool limits_memory() const { return limits_memory_; }

  private:
    static constexpr std::array kSignals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGINT, SIGTERM};
    std::array<struct sigaction, kSignals.size()> before_{};
    stack_t stack_before_{};
    rlimit memory_before_{};
    bool limits_memory_ = false;
};

} // namespace headroom::trace::h5
