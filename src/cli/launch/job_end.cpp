#include "cli/launch/job_end.hpp"

#include <chrono>
#include <csignal>
#include <cstring>
#include <string>
#include <sys/wait.h>
#include <vector>

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/launch/process_look.hpp"

namespace headroom::cli {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRelayPause{20};

/// Exit codes that are the run's own words, not the launcher's.
bool is_ours(int code) {
    switch (static_cast<ExitCode>(code)) {
    case ExitCode::ok:
    case ExitCode::bad_input:
    case ExitCode::environment:
    case ExitCode::bug:
    case ExitCode::stuck:
    case ExitCode::infeasible:
    case ExitCode::interrupted:
    case ExitCode::terminated:
        return true;
    }
    return false;
}

constexpr const char* kTraceIsThere = "\n  the trace has all intervals that were completed: "
                                      "headroom inspect shows them, headroom run "
                                      "--resume goes on";

[[noreturn]] void tell_signal(const std::string& who, int signal, const JobEnd& end) {
    throw EnvironmentError(fmt::format(
        "{} was ended by signal {} ({}), expected it to run to its end{}{}",
        who,
        signal,
        strsignal(signal),
        why_killed(signal, end.out_of_memory),
        end.step == JobStep::met ? kTraceIsThere : ""
    ));
}

/// Has it ended within the time?
bool ends_within(pid_t process, Relay& relay, milliseconds time) {
    const auto until = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < until) {
        if (waitpid(process, nullptr, WNOHANG) != 0) {
            return true;
        }
        relay.move(kRelayPause);
    }
    return false;
}

} // namespace

int meaning(const JobEnd& end) {
    const int code = WIFEXITED(end.status) ? WEXITSTATUS(end.status) : -1;
    if (is_ours(code)) {
        return code;
    }
    if (end.asked != 0) {
        return end.asked;
    }
    if (code == 128 + SIGXFSZ || (WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGXFSZ)) {
        throw EnvironmentError(
            "mpirun or a rank reached this shell's limit of file sizes, expected room for the "
            "files that ranks share: raise it (ulimit -f), or use --transport inprocess"
        );
    }
    if (WIFSIGNALED(end.status)) {
        tell_signal("mpirun", WTERMSIG(end.status), end);
    }
    if (code > 128) {
        tell_signal(end.lost, code - 128, end);
    }
    if (end.step == JobStep::met) {
        throw EnvironmentError(fmt::format(
            "mpirun ended with code {} in the middle of the run, expected it to wait for the "
            "ranks; what it says is above{}",
            code,
            kTraceIsThere
        ));
    }
    throw EnvironmentError(fmt::format(
        "mpirun ended with code {}, expected it to start the ranks; what it says is above\n"
        "  check it with: mpirun -n 2 true; without MPI: --transport inprocess",
        code
    ));
}

void end_mpirun(pid_t mpirun, Relay& relay) {
    relay.mute();
    (void)kill(mpirun, SIGTERM);
    if (ends_within(mpirun, relay, std::chrono::seconds(2))) {
        return;
    }
    const std::vector<pid_t> below = descendants(mpirun);
    (void)kill(mpirun, SIGKILL);
    for (const pid_t process : below) {
        (void)kill(process, SIGKILL);
    }
    (void)waitpid(mpirun, nullptr, 0);
}

} // namespace headroom::cli
