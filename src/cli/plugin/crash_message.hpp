// Names the policy if it crashes while it decides. Otherwise the program would end without a word,
// and a run over MPI would blame the device.
#pragma once

#include <optional>
#include <string>

#include "base/process/crash_handlers.hpp"

namespace headroom::cli {

/// While an object of this class exists, a crash prints a message and ends the process with
/// ExitCode::bad_input. The trace keeps the intervals before. A process may have only one object at
/// a time.
class CrashMessage {
  public:
    explicit CrashMessage(const std::string& policy);

  private:
    std::optional<CrashHandlers> handlers_;
};

} // namespace headroom::cli
