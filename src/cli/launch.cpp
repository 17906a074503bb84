#include "cli/launch.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/console.hpp"
#include "cli/interrupt.hpp"
#include "cli/relay.hpp"
#include "kernels/kernels.hpp"

namespace headroom::cli {

namespace {

constexpr const char* kSelf = "/proc/self/exe";

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

/// More ranks than cores is what emulation is for, and containers run as root.
void set_environment() {
    setenv("OMPI_MCA_rmaps_base_oversubscribe", "1", 0);
    setenv("OMPI_MCA_hwloc_base_binding_policy", "none", 0);
    if (geteuid() == 0) {
        setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 0);
        setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 0);
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
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGUSR2}) {
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

/// What the job's end means. A rank that was killed leaves no message of its own.
int meaning(int status, int asked) {
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (is_ours(code)) {
        return code;
    }
    if (asked != 0) {
        return asked;
    }
    throw EnvironmentError(
        code > 128
            ? fmt::format(
                  "a rank was ended by signal {} ({}), expected it to run to its end; perhaps "
                  "memory ran out\n"
                  "  the trace has all intervals that were completed: headroom inspect shows them; "
                  "look for the reason in the system's log (dmesg), or give a smaller model",
                  code - 128,
                  strsignal(code - 128)
              )
            : fmt::format(
                  "mpirun ended with code {}, expected it to start the ranks; what it says is "
                  "above\n"
                  "  check it with: mpirun -n 2 true; without MPI: --transport inprocess",
                  code
              )
    );
}

void pass_on_interrupts(pid_t child) {
    const int gentle = interrupted() == 143 ? SIGUSR2 : SIGUSR1;
    const int times = times_interrupted();
    (void)kill(child, times == 1 ? gentle : times == 2 ? SIGTERM : SIGKILL);
}

void acknowledge_interrupt() {
    fmt::print(stderr, "\nheadroom: closing the trace (once more: end without closing it)\n");
    std::fflush(stderr);
}

/// Waits for the child. The first interrupt asks the ranks to close the trace, again and again,
/// because mpirun drops what comes before its ranks are up; the second ends the job; the third
/// kills it.
int wait_for(pid_t child, Relay& relay) {
    using Clock = std::chrono::steady_clock;
    constexpr auto kReminder = std::chrono::milliseconds(300);
    constexpr auto kPause = std::chrono::milliseconds(20);
    int status = 0;
    bool acknowledged = false;
    Clock::time_point reminded{};
    for (;;) {
        const pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended == child) {
            break;
        }
        if (ended < 0 && errno != EINTR) {
            throw EnvironmentError(fmt::format("waiting for mpirun: {}", std::strerror(errno)));
        }
        if (interrupted() != 0 && Clock::now() - reminded >= kReminder) {
            if (!acknowledged) {
                acknowledge_interrupt();
                acknowledged = true;
            }
            pass_on_interrupts(child);
            reminded = Clock::now();
        }
        relay.move(kPause);
    }
    while (relay.has_more() && times_interrupted() < 2) {
        relay.move(kPause);
    }
    const int code = meaning(status, interrupted());
    if (code == 0 && relay.write_error() != 0) {
        throw EnvironmentError(fmt::format(
            "what the run printed could not be written: {}; expected room for it where stdout "
            "goes: "
            "give another place, or read the text with headroom inspect from the trace",
            std::strerror(relay.write_error())
        ));
    }
    return code;
}

/// A number that the launcher put into the environment, or `otherwise`.
int told_by_launcher(std::initializer_list<const char*> variables, int otherwise) {
    for (const char* const variable : variables) {
        if (const char* const text = std::getenv(variable)) {
            return std::atoi(text);
        }
    }
    return otherwise;
}

} // namespace

bool under_launcher() {
    return std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr || std::getenv("PMIX_RANK") != nullptr;
}

int launched_copies() {
    return told_by_launcher({"OMPI_COMM_WORLD_SIZE"}, 1);
}

int copies_without_mpi() {
    return under_launcher() ? 1 : told_by_launcher({"SLURM_STEP_NUM_TASKS"}, 1);
}

std::string launcher_words(std::size_t ranks) {
    const bool by_mpirun = std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr;
    return fmt::format("{} -n {}", by_mpirun ? "mpirun" : "srun --mpi=pmix", ranks);
}

bool rank_0_tells() {
    if (told_by_launcher({"OMPI_COMM_WORLD_RANK", "PMIX_RANK"}, 0) == 0) {
        return false;
    }
    const timespec patience{3, 0};
    return nanosleep(&patience, nullptr) != 0; // mpirun's signal: rank 0 has ended the job
}

int run_under_mpirun(std::size_t ranks, const Handover& handover) {
    if (!found_on_path("mpirun")) {
        throw EnvironmentError("there is no mpirun on the PATH, expected one to start a rank per "
                               "device: install it (Debian: openmpi-bin), or run all devices in "
                               "one process with --transport inprocess");
    }
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
    return wait_for(child, relay);
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
