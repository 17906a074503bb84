// Names the policy if it crashes while it decides. Otherwise the program would end without a word,
// and a run over MPI would blame the device.
#pragma once

#include <array>
#include <csignal>
#include <string>

namespace headroom::cli {

/// While an object of this class exists, a crash prints a message and ends the process with
/// ExitCode::bad_input. The trace keeps the intervals before. A process may have only one object at
/// a time.
class CrashMessage {
  public:
    explicit CrashMessage(const std::string& policy);
    CrashMessage(const CrashMessage&) = delete;
    CrashMessage& operator=(const CrashMessage&) = delete;
    ~CrashMessage();

  private:
    static constexpr std::array kSignals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    std::array<struct sigaction, kSignals.size()> previous_actions_{};
    stack_t previous_stack_{};
};

} // namespace headroom::cli
