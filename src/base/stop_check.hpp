// Lets a caller stop a long computation: the caller passes a function, and the computation calls it
// from time to time. Code that uses a StopCheck needs to know nothing about signals.
#pragma once

#include "base/error.hpp"

namespace headroom {

/// A function that returns 0, or the exit code with which the computation must end. The call is
/// cheap. Once the function has returned an exit code, it never returns 0 again. A null pointer
/// means that the computation is never stopped.
using StopCheck = int (*)();

/// Returns the result of `check`, or 0 if `check` is null.
[[nodiscard]] inline int code_of(StopCheck check) {
    return check == nullptr ? 0 : check();
}

/// If code_of(check) is an exit code (not 0), throws InterruptedError with that code.
inline void throw_if_stopped(StopCheck check) {
    if (const int code = code_of(check); code != 0) {
        throw InterruptedError(static_cast<ExitCode>(code));
    }
}

} // namespace headroom
