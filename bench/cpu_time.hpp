// The CPU time that benchmark programs compare: unlike wall times, it depends little on other
// processes.
#pragma once

#include <ctime>

namespace headroom::bench {

/// Returns the CPU time of this thread in milliseconds.
[[nodiscard]] inline double cpu_ms() {
    std::timespec time{};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

} // namespace headroom::bench
