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

// A signal handler has nowhere else to put what it heard.
// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables)
std::atomic<int> exit_code = 0;
std::atomic<int> signals_noted = 0;
std::atomic<std::int64_t> first_at = 0; ///< ns of the steady clock
std::atomic<bool> self_started = false;
std::atomic<pid_t> launching_process = 0;
std::atomic<pid_t> stranger = 0;
std::atomic<bool> only_noted = false;
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)
static_assert(
    std::atomic<int>::is_always_lock_free && std::atomic<std::int64_t>::is_always_lock_free
);

constexpr std::int64_t kGrace = 1'000'000'000;

/// What a signal handler may call.
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

/// A rank that has lost its launcher gets so much time to close the trace.
constexpr unsigned kSecondsAlone = 3;

/// A closed terminal (SIGHUP) is a request to end, like SIGTERM.
void note(int signal, siginfo_t* info, void* /*context*/) {
    const bool by_launcher =
        self_started && (signal == SIGINT || signal == SIGTERM || signal == SIGHUP);
    if (by_launcher && info != nullptr && info->si_code == SI_USER && info->si_pid != getppid() &&
        signals_noted == 0) {
        stranger = info->si_pid;
    }
    const bool term = signal == SIGTERM || signal == SIGUSR2 || signal == SIGHUP;
    const auto code = static_cast<int>(
        by_launcher ? ExitCode::environment
        : term      ? ExitCode::terminated
                    : ExitCode::interrupted
    );
    if (!only_noted) {
        end_at_once(code);
    }
    if (signals_noted == 0) {
        first_at = steady_time();
    }
    exit_code = code;
    ++signals_noted;
}

/// The kernel also tells that a mere thread of the launcher has ended.
void note_lost_launcher(int /*signal*/) {
    if (getppid() == launching_process) {
        return;
    }
    exit_code = static_cast<int>(ExitCode::environment);
    ++signals_noted;
    (void)std::signal(SIGALRM, SIG_DFL); // which ends the process, wherever it hangs
    (void)alarm(kSecondsAlone);
}

/// nohup ignores SIGHUP for the program that it starts: the run is to outlive the terminal.
bool is_ignored(int signal) {
    struct sigaction action = {};
    return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

void catch_by_note(int signal) {
    struct sigaction action = {};
    action.sa_sigaction = note;
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

void hold_interrupts() {
    set_mask(SIG_BLOCK);
}

void catch_interrupts() {
    self_started = std::getenv(kSelfStarted) != nullptr;
    only_noted = under_launcher(); // mpirun ends ranks whose neighbour has failed, and tells it
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGUSR2}) {
        catch_by_note(signal);
    }
    if (!is_ignored(SIGHUP)) {
        catch_by_note(SIGHUP);
    }
    (void)std::signal(SIGPIPE, SIG_IGN); // a reader that has seen enough ends no run
    set_mask(SIG_UNBLOCK);
}

void end_with_launcher() {
    launching_process = getppid();
    const int signal = SIGRTMIN; // nobody else's
    (void)std::signal(signal, note_lost_launcher);
    (void)prctl(PR_SET_PDEATHSIG, signal);
}

void note_interrupts() {
    only_noted = true;
}

int interrupted() {
    return exit_code;
}

int interrupted_long_ago() {
    const int code = exit_code;
    const bool now = code == static_cast<int>(ExitCode::environment);
    return code != 0 && (now || steady_time() - first_at >= kGrace) ? code : 0;
}

bool is_interrupt(int code) {
    return code == static_cast<int>(ExitCode::interrupted) ||
           code == static_cast<int>(ExitCode::terminated);
}

int times_interrupted() {
    return signals_noted;
}

int interrupted_by_stranger() {
    return stranger;
}

} // namespace headroom::cli
