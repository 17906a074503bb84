#include "cli/interrupt.hpp"

#include <atomic>
#include <csignal>

namespace headroom::cli {

namespace {

// A signal handler has nowhere else to put what it heard.
std::atomic<int> exit_code = 0; // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
static_assert(std::atomic<int>::is_always_lock_free);

void note(int signal) {
    exit_code = signal == SIGTERM || signal == SIGUSR2 ? 143 : 130;
}

} // namespace

void catch_interrupts() {
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGUSR2}) {
        (void)std::signal(signal, note);
    }
    (void)std::signal(SIGPIPE, SIG_IGN); // a reader that has seen enough ends no run
}

int interrupted() {
    return exit_code;
}

} // namespace headroom::cli
