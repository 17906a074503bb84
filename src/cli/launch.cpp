#include "cli/launch.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/console.hpp"
#include "cli/interrupt.hpp"
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
    Terminal::look().tell_children(); // only we know what the user looks at
}

[[noreturn]] void become_mpirun(std::vector<std::string> words) {
    (void)setpgid(0, 0); // a Ctrl-C in the terminal is ours to translate
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGUSR2}) {
        (void)std::signal(signal, SIG_DFL);
    }
    const int nothing = open("/dev/null", O_RDONLY);
    if (nothing >= 0) {
        (void)dup2(nothing, STDIN_FILENO);
    }
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words) {
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    execvp(argv.front(), argv.data());
    _exit(127);
}

/// Waits for the child; passes interrupts on, the first as a request, the second as an end.
int wait_for(pid_t child) {
    int told = 0;
    int status = 0;
    for (;;) {
        const pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended == child) {
            break;
        }
        if (ended < 0 && errno != EINTR) {
            throw EnvironmentError(fmt::format("waiting for mpirun: {}", std::strerror(errno)));
        }
        if (const int code = interrupted(); code != 0 && told == 0) {
            (void)kill(child, code == 143 ? SIGUSR2 : SIGUSR1);
            told = code;
        }
        const timespec pause{0, 20'000'000};
        (void)nanosleep(&pause, nullptr);
    }
    if (told != 0) {
        return told;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

} // namespace

bool under_launcher() {
    return std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr || std::getenv("PMIX_RANK") != nullptr;
}

int run_under_mpirun(std::size_t ranks, const std::vector<std::string>& arguments) {
    if (!found_on_path("mpirun")) {
        throw EnvironmentError("there is no mpirun on the PATH: install it (Debian: openmpi-bin), "
                               "or run all devices in "
                               "one process with --transport inprocess");
    }
    set_environment();
    std::vector<std::string> words{"mpirun", "-q", "-n", std::to_string(ranks), own_path()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    const pid_t child = fork();
    if (child < 0) {
        throw EnvironmentError(fmt::format("cannot start mpirun: {}", std::strerror(errno)));
    }
    if (child == 0) {
        become_mpirun(std::move(words));
    }
    return wait_for(child);
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
