// How a long loop learns that its result is no longer wanted: the caller hands in a question, and
// the loop asks it now and then. Nothing here knows signals or clocks.
#pragma once

#include "base/error.hpp"

namespace headroom {

/// 0, or the exit code to give up with; null: nobody ever wants that. Cheap, and never 0 again
/// after it was something else.
using StopCheck = int (*)();

/// Throws InterruptedError if the work is no longer wanted.
inline void stop_if_asked(StopCheck asked) {
    if (const int code = asked == nullptr ? 0 : asked(); code != 0) {
        throw InterruptedError(static_cast<ExitCode>(code));
    }
}

} // namespace headroom
