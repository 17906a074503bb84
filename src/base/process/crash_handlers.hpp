// Catches signals by which a library in the process can end it, such as SIGSEGV.
#pragma once

#include <csignal>
#include <span>
#include <utility>
#include <vector>

namespace headroom {

/// While an object of this class exists, `handler` is called for these signals. It has its own
/// stack, because endless recursion can fill the normal one. It must end the process, and as all
/// signal handlers it can only use global variables.
class CrashHandlers {
  public:
    CrashHandlers(std::span<const int> signals, void (*handler)(int));
    CrashHandlers(const CrashHandlers&) = delete;
    CrashHandlers& operator=(const CrashHandlers&) = delete;
    ~CrashHandlers();

  private:
    std::vector<std::pair<int, struct sigaction>> previous_actions_;
    stack_t previous_stack_{};
};

} // namespace headroom
