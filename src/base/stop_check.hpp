// Lets a caller stop a long computation: the caller passes a function, and the computation calls it
// from time to time. Code that uses a StopCheck needs to know nothing about signals.
#pragma once

#include "base/error.hpp"

namespace headroom {

/// Returns 0, or the exit code with which the computation must end. The call is cheap. After the
/// first result that is not 0, no later result is 0. A null pointer means that the computation is
/// never stopped.
using StopCheck = int (*)();

/// Returns the result of the check; 0 if it is null.
[[nodiscard]] inline int code_of(StopCheck check) {
    return check == nullptr ? 0 : check();
}

/// Throws InterruptedError with the exit code that the check returns, unless that is 0.
inline void throw_if_stopped(StopCheck check) {
    if (const int code = code_of(check); code != 0) {
        throw InterruptedError(static_cast<ExitCode>(code));
    }
}

} // namespace headroom
