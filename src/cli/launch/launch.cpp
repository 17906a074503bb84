#include "cli/launch/launch.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/launch/job_end.hpp"
#include "cli/launch/lost_rank.hpp"
#include "cli/launch/process_look.hpp"
#include "cli/launch/relay.hpp"
#include "cli/launch/start_watch.hpp"
#include "cli/terminal/console.hpp"
#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/job_environment.hpp"
#include "cli/terminal/streams.hpp"
#include "kernels/kernels.hpp"

namespace headroom::cli {

namespace {

constexpr auto kPause = std::chrono::milliseconds(20);

std::string own_path() {
    char path[4096];
    const ssize_t length = readlink(kSelf, path, sizeof path);
    return length > 0 ? std::string(path, static_cast<std::size_t>(length)) : "headroom";
}

bool found_on_path(const std::string& program) {
    const char* const path = std::getenv("PATH");
    std::string folders = path == nullptr ? "" : path;
    for (std::size_t begin = 0; begin <= folders.size();) {
        const std::size_t end = std::min(folders.find(':', begin), folders.size());
        const std::string candidate = folders.substr(begin, end - begin) + "/" + program;
        if (access(candidate.c_str(), X_OK) == 0) {
            return true;
        }
        begin = end + 1;
    }
    return false;
}

/// More ranks than cores is what emulation is for, and containers run as root. Open MPI 4 looks at
/// the OMPI_ names; the launcher of Open MPI 5, PRRTE, has its own for what is the launcher's.
void set_environment() {
    if (std::getenv("PMIX_RANK") != nullptr) { // of the shell that we were typed in
        leave_the_job();
        setenv("SLURM_OVERLAP", "1", 0); // the shell has all that mpirun's daemons would wait for
    }
    setenv("OMPI_MCA_rmaps_base_oversubscribe", "1", 0);
    setenv("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe", 0);
    setenv("OMPI_MCA_hwloc_base_binding_policy", "none", 0);
    setenv("PRTE_MCA_hwloc_default_binding_policy", "none", 0);
    if (geteuid() == 0) {
        for (const char* const name : {"OMPI_ALLOW_RUN_AS_ROOT", "PRTE_ALLOW_RUN_AS_ROOT"}) {
            setenv(name, "1", 0);
            setenv((name + std::string("_CONFIRM")).c_str(), "1", 0);
        }
    }
    setenv("OMPI_MCA_opal_signal", "", 0); // no backtraces of ranks that are killed
    setenv(kSelfStarted, "1", 1);
    Terminal::look().tell_children(); // only we know what the user looks at
}

[[noreturn]] void become_mpirun(
    std::vector<std::string> words, const Relay& relay, int input, pid_t launcher
) {
    relay.take_streams();
    (void)setpgid(0, 0); // a Ctrl-C in the terminal is ours to translate
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != launcher) {
        _exit(127); // killed before the line above
    }
    // A file that reaches a limit ends mpirun, which would otherwise wait for ever.
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXFSZ}) {
        (void)std::signal(signal, SIG_DFL);
    }
    (void)dup2(input, STDIN_FILENO);
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words) {
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    execvp(argv.front(), argv.data());
    _exit(127);
}

void pass_on_interrupts(pid_t child) {
    const int gentle = interrupted() == 143 ? SIGUSR2 : SIGUSR1;
    const int times = times_interrupted();
    (void)kill(child, times == 1 ? gentle : times == 2 ? SIGTERM : SIGKILL);
}

void acknowledge_interrupt() {
    say(stderr, "\nheadroom: closing the trace (once more: end without closing it)\n");
    std::fflush(stderr);
}

/// The user's signals on their way to the ranks. The first interrupt asks them to close the trace,
/// again and again, because mpirun drops what comes before its ranks are up; the second ends the
/// job; the third kills it.
class Interrupts {
  public:
    /// Call it often. Is the job to be ended, because there is no rank to ask?
    [[nodiscard]] bool pass_on(pid_t child, JobStep step) {
        constexpr auto kReminder = std::chrono::milliseconds(300);
        constexpr auto kStartUp = std::chrono::milliseconds(1500);
        if (interrupted() == 0) {
            return false;
        }
        const Clock::time_point now = Clock::now();
        if (!since_) {
            since_ = now;
            acknowledge_interrupt();
        }
        if (step != JobStep::met && now - *since_ >= kStartUp) {
            return true;
        }
        if (now - reminded_ >= kReminder) {
            pass_on_interrupts(child);
            reminded_ = now;
        }
        return false;
    }

  private:
    using Clock = std::chrono::steady_clock;
    std::optional<Clock::time_point> since_;
    Clock::time_point reminded_{};
};

void check_is_written(const Relay& relay) {
    if (relay.write_error() != 0) {
        throw EnvironmentError(fmt::format(
            "what the run printed could not be written to stdout: {}; the trace has the text: "
            "headroom inspect shows it",
            why_not_written(relay.write_error())
        ));
    }
}

JobStep step_of(const Relay& relay) {
    return static_cast<JobStep>(std::min(relay.signs(), static_cast<int>(JobStep::met)));
}

/// Waits for the child. Returns how it ended; one that does not come up is ended, and told of.
JobEnd wait_for(pid_t child, std::size_t ranks, Relay& relay) {
    StartWatch start(ranks, child);
    Interrupts interrupts;
    LostRank lost(child, ranks);
    JobEnd end;
    for (;;) {
        const pid_t ended = waitpid(child, &end.status, WNOHANG);
        if (ended == child) {
            break;
        }
        if (ended < 0 && errno != EINTR) {
            throw EnvironmentError(fmt::format("waiting for mpirun: {}", std::strerror(errno)));
        }
        if (interrupts.pass_on(child, step_of(relay))) {
            end_mpirun(child, relay);
            throw Error(
                static_cast<ExitCode>(interrupted()),
                "interrupted before the ranks were up: nothing has been done"
            );
        }
        if (start.has_failed(step_of(relay))) {
            end_mpirun(child, relay);
            throw EnvironmentError(start.text());
        }
        if (step_of(relay) == JobStep::met) {
            lost.look();
        }
        relay.move(kPause);
    }
    while (relay.has_more() && times_interrupted() < 2) {
        relay.move(kPause);
    }
    end.step = step_of(relay);
    end.asked = interrupted();
    end.lost = lost.text();
    return end;
}

} // namespace

int run_under_mpirun(std::size_t ranks, const Handover& handover) {
    if (!found_on_path("mpirun")) {
        throw EnvironmentError("there is no mpirun on the PATH, expected one to start a rank per "
                               "device: install it (Debian: openmpi-bin), or run all devices in "
                               "one process with --transport inprocess");
    }
    note_interrupts();
    set_environment();
    std::vector<std::string> words{"mpirun", "-q", "-n", std::to_string(ranks), own_path()};
    const std::vector<std::string> arguments = rank_arguments(handover.command);
    words.insert(words.end(), arguments.begin(), arguments.end());
    Relay relay(Terminal::look().same);
    const int input = handover_descriptor(handover);
    const pid_t self = getpid();
    const pid_t child = fork();
    if (child < 0) {
        throw EnvironmentError(fmt::format(
            "cannot start mpirun: {}; expected room for {} more processes: end others, or use "
            "--transport inprocess",
            std::strerror(errno),
            ranks + 1
        ));
    }
    if (child == 0) {
        become_mpirun(std::move(words), relay, input, self);
    }
    (void)close(input);
    relay.close_child_ends();
    const OutOfMemoryWatch out_of_memory;
    JobEnd end = wait_for(child, ranks, relay);
    end.out_of_memory = out_of_memory.seen();
    const int code = meaning(end);
    if (code == 0) {
        check_is_written(relay);
    }
    return code;
}

void restart_with_openblas_core(char** argv) {
    const std::string wanted(kernels::openblas_core_wanted());
    if (wanted.empty() || kernels::openblas_core().empty() ||
        std::getenv("OPENBLAS_CORETYPE") != nullptr) {
        return;
    }
    setenv("OPENBLAS_CORETYPE", wanted.c_str(), 1);
    (void)execv(kSelf, argv); // if it fails, we go on with what OpenBLAS chose
}

} // namespace headroom::cli
