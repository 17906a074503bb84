#include "cli/interrupt.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>

#include "base/error.hpp"

namespace headroom::cli {

namespace {

// A signal handler has nowhere else to put what it heard.
// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables)
std::atomic<int> exit_code = 0;
std::atomic<int> times = 0;
std::atomic<bool> self_started = false;
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)
static_assert(std::atomic<int>::is_always_lock_free);

void note(int signal) {
    const bool by_launcher = self_started && (signal == SIGINT || signal == SIGTERM);
    const bool term = signal == SIGTERM || signal == SIGUSR2;
    exit_code = static_cast<int>(
        by_launcher ? ExitCode::environment
        : term      ? ExitCode::terminated
                    : ExitCode::interrupted
    );
    ++times;
}

void set_mask(int how) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    (void)sigprocmask(how, &set, nullptr);
}

} // namespace

void hold_interrupts() {
    set_mask(SIG_BLOCK);
}

void catch_interrupts() {
    self_started = std::getenv(kSelfStarted) != nullptr;
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGUSR2}) {
        (void)std::signal(signal, note);
    }
    (void)std::signal(SIGPIPE, SIG_IGN); // a reader that has seen enough ends no run
    set_mask(SIG_UNBLOCK);
}

int interrupted() {
    return exit_code;
}

bool is_interrupt(int code) {
    return code == static_cast<int>(ExitCode::interrupted) ||
           code == static_cast<int>(ExitCode::terminated);
}

int times_interrupted() {
    return times;
}

} // namespace headroom::cli
