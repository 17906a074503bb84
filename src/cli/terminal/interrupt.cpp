#include "cli/terminal/interrupt.hpp"

#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <string_view>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/error.hpp"
#include "cli/terminal/job_environment.hpp"

namespace headroom::cli {

namespace {

// A signal handler can only communicate through global variables.
// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables)
std::atomic<int> exit_code = 0;
std::atomic<int> signal_count = 0;
std::atomic<std::int64_t> first_signal_time = 0; ///< ns of the steady clock
std::atomic<bool> self_started = false;
std::atomic<pid_t> launching_process = 0;
std::atomic<pid_t> sender = 0;
std::atomic<bool> deferred = false;
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)
static_assert(
    std::atomic<int>::is_always_lock_free && std::atomic<std::int64_t>::is_always_lock_free
);

constexpr std::int64_t kGrace = 1'000'000'000;

/// Nanoseconds of the steady clock. Safe to call in a signal handler.
std::int64_t steady_time() {
    timespec now{};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void end_at_once(int code) {
    constexpr std::string_view kText = "headroom: interrupted\n";
    (void)!write(STDERR_FILENO, kText.data(), kText.size());
    _exit(code);
}

/// Time that a rank without its launcher gets to close the trace.
constexpr unsigned kSecondsWithoutLauncher = 3;

void handle_signal(int signal, siginfo_t* info, void* /*context*/) {
    const bool by_launcher =
        self_started && (signal == SIGINT || signal == SIGTERM || signal == SIGHUP);
    if (by_launcher && info != nullptr && info->si_code == SI_USER && info->si_pid != getppid() &&
        signal_count == 0) {
        sender = info->si_pid;
    }
    const bool term = signal == SIGTERM || signal == SIGUSR2 || signal == SIGHUP;
    const auto code = static_cast<int>(
        by_launcher ? ExitCode::environment
        : term      ? ExitCode::terminated
                    : ExitCode::interrupted
    );
    if (!deferred) {
        end_at_once(code);
    }
    if (signal_count == 0) {
        first_signal_time = steady_time();
    }
    exit_code = code;
    ++signal_count;
}

/// The kernel also sends this signal when only a thread of the launcher has ended.
void handle_launcher_exit(int /*signal*/) {
    if (getppid() == launching_process) {
        return;
    }
    exit_code = static_cast<int>(ExitCode::environment);
    ++signal_count;
    (void)std::signal(SIGALRM, SIG_DFL); // SIGALRM then ends the process even if it hangs
    (void)alarm(kSecondsWithoutLauncher);
}

/// nohup starts a program with SIGHUP ignored, so that it survives the terminal.
bool is_ignored(int signal) {
    struct sigaction action = {};
    return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

void install_handler(int signal) {
    struct sigaction action = {};
    action.sa_sigaction = handle_signal;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    (void)sigaction(signal, &action, nullptr);
}

void set_mask(int how) {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        sigaddset(&set, signal);
    }
    (void)sigprocmask(how, &set, nullptr);
}

} // namespace

void block_interrupts() {
    set_mask(SIG_BLOCK);
}

void install_interrupt_handlers() {
    self_started = std::getenv(kStartedByHeadroom) != nullptr;
    deferred = is_launched_rank(); // mpirun reports why it ends a rank
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGUSR2}) {
        install_handler(signal);
    }
    if (!is_ignored(SIGHUP)) {
        install_handler(SIGHUP);
    }
    (void)std::signal(SIGPIPE, SIG_IGN); // a closed output pipe must not end the run
    set_mask(SIG_UNBLOCK);
}

void end_with_launcher() {
    launching_process = getppid();
    const int signal = SIGRTMIN; // not used for anything else
    (void)std::signal(signal, handle_launcher_exit);
    (void)prctl(PR_SET_PDEATHSIG, signal);
}

void defer_interrupts() {
    deferred = true;
}

int interrupted() {
    return exit_code;
}

int interrupt_grace_expired() {
    const int code = exit_code;
    const bool now = code == static_cast<int>(ExitCode::environment);
    return code != 0 && (now || steady_time() - first_signal_time >= kGrace) ? code : 0;
}

bool is_interrupt_code(int code) {
    return code == static_cast<int>(ExitCode::interrupted) ||
           code == static_cast<int>(ExitCode::terminated);
}

int interrupt_count() {
    return signal_count;
}

int foreign_signal_sender() {
    return sender;
}

} // namespace headroom::cli
