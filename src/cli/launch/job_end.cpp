#include "cli/launch/job_end.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <sys/wait.h>
#include <vector>

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/launch/process_status.hpp"

namespace headroom::cli {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kForwardPause{20};

/// The exit codes that come from headroom and not from mpirun.
constexpr ExitCode kOwnExitCodes[] = {
    ExitCode::ok,
    ExitCode::bad_input,
    ExitCode::environment,
    ExitCode::bug,
    ExitCode::stuck,
    ExitCode::infeasible,
    ExitCode::interrupted,
    ExitCode::terminated};

/// Returns the hint that the trace has a part of the run; empty if it has not.
const char* trace_hint(const JobEnd& end) {
    return end.stage == StartStage::all_connected && !end.no_trace
               ? "\n  the trace has all intervals that were completed: headroom inspect shows "
                 "them, headroom run --resume goes on"
               : "";
}

[[noreturn]] void throw_ended_by_signal(const std::string& who, int signal, const JobEnd& end) {
    throw EnvironmentError(fmt::format(
        "{} was ended by signal {} ({}), expected it to run to its end{}{}",
        who,
        signal,
        strsignal(signal),
        kill_reason(signal, end.out_of_memory),
        trace_hint(end)
    ));
}

/// Waits for the end of the process while forwarding output. Returns whether it ended in time.
bool ends_within(pid_t process, PipeForwarder& forwarder, milliseconds time) {
    const auto until = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < until) {
        if (waitpid(process, nullptr, WNOHANG) != 0) {
            return true;
        }
        forwarder.forward(kForwardPause);
    }
    return false;
}

} // namespace

int job_exit_code(const JobEnd& end) {
    const int code = WIFEXITED(end.status) ? WEXITSTATUS(end.status) : -1;
    if (std::ranges::find(kOwnExitCodes, static_cast<ExitCode>(code)) != std::end(kOwnExitCodes)) {
        return code;
    }
    if (end.requested_exit_code != 0) {
        return end.requested_exit_code;
    }
    if (code == 128 + SIGXFSZ || (WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGXFSZ)) {
        throw EnvironmentError(
            "mpirun or a rank reached this shell's limit of file sizes, expected room for the "
            "files that ranks share: raise it (ulimit -f), or use --transport inprocess"
        );
    }
    if (WIFSIGNALED(end.status)) {
        throw_ended_by_signal("mpirun", WTERMSIG(end.status), end);
    }
    if (code > 128) {
        throw_ended_by_signal(end.lost_rank, code - 128, end);
    }
    if (end.stage == StartStage::all_connected) {
        throw EnvironmentError(fmt::format(
            "mpirun ended with code {} in the middle of the run, expected it to wait for the "
            "ranks; what it says is above{}",
            code,
            trace_hint(end)
        ));
    }
    throw EnvironmentError(fmt::format(
        "mpirun ended with code {}, expected it to start the ranks; what it says is above\n"
        "  check it with: mpirun -n 2 true; without MPI: --transport inprocess",
        code
    ));
}

void end_mpirun(pid_t mpirun, PipeForwarder& forwarder) {
    forwarder.discard_output();
    (void)kill(mpirun, SIGTERM);
    if (ends_within(mpirun, forwarder, std::chrono::seconds(2))) {
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
