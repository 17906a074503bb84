#include "fuzz/child_process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/error.hpp"

/// Writes the coverage of a child, in a build that measures coverage.
extern "C" __attribute__((weak)) void __gcov_dump(void);

namespace headroom::fuzz {

namespace {

constexpr unsigned kMaxSeconds = 10;
constexpr long kMaxKib = 1L << 20;

enum Ending : int { accepted = 40, refused = 41, environment = 42, other = 43 };

/// Runs the action in the child, writes the error message into the pipe and exits.
[[noreturn]] void run_action(const std::function<int()>& action, int pipe) {
    alarm(kMaxSeconds);
    (void)dup2(pipe, STDERR_FILENO); // sanitizers write their reports there
    std::string message;
    Ending ending = other;
    try {
        ending = action() == 1 ? accepted : refused;
    } catch (const InputError& error) {
        message = error.what();
        ending = message.empty() ? other : refused;
    } catch (const EnvironmentError& error) {
        message = error.what();
        ending = environment;
    } catch (const std::exception& error) {
        message = error.what();
    } catch (...) {
        message = "something that is no exception";
    }
    (void)!write(pipe, message.data(), message.size());
    if (__gcov_dump != nullptr) {
        __gcov_dump();
    }
    _exit(ending);
}

std::string read_all(int pipe) {
    std::string text;
    std::array<char, 4096> chunk{};
    for (ssize_t bytes = 0; (bytes = read(pipe, chunk.data(), chunk.size())) > 0;) {
        text.append(chunk.data(), static_cast<std::size_t>(bytes));
    }
    return text;
}

/// Returns the resident memory of this process, which a child inherits.
long resident_kib() {
    std::ifstream file("/proc/self/statm");
    long all = 0;
    long resident = 0;
    file >> all >> resident;
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/// How a child ended.
struct ChildResult {
    long inherited_kib = 0;
    int status = 0;
    rusage used{};
    std::string message;
};

ChildResult fork_child(const std::function<int()>& action) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) {
        throw std::runtime_error("no pipe");
    }
    ChildResult result;
    result.inherited_kib = resident_kib();
    const pid_t child = fork();
    if (child < 0) {
        throw std::runtime_error("no process");
    }
    if (child == 0) {
        close(ends[0]);
        run_action(action, ends[1]);
    }
    close(ends[1]);
    result.message = read_all(ends[0]);
    close(ends[0]);
    while (wait4(child, &result.status, 0, &result.used) < 0 && errno == EINTR) {
    }
    return result;
}

/// Returns whether the innermost frame of a sanitizer's report, below the sanitizer's own, is
/// HDF5's.
bool is_crash_in_hdf5(const std::string& report) {
    const auto line = [&](const char* frame) {
        const std::size_t begin = std::min(report.find(frame), report.size());
        return report.substr(begin, report.find('\n', begin) - begin);
    };
    return report.find("ERROR: AddressSanitizer") != std::string::npos &&
           (line("#0 ") + line("#1 ")).find("libhdf5") != std::string::npos;
}

} // namespace

int run_in_child(const std::function<int()>& action) {
    const ChildResult child = fork_child(action);
    if (const long took = child.used.ru_maxrss - child.inherited_kib; took > kMaxKib) {
        throw std::logic_error(fmt::format("took {} MiB", took >> 10));
    }
    if (WIFSIGNALED(child.status)) {
        const int signal = WTERMSIG(child.status);
        throw std::logic_error(
            signal == SIGALRM ? fmt::format("more than {} s", kMaxSeconds)
                              : fmt::format("signal {}", signal)
        );
    }
    switch (WEXITSTATUS(child.status)) {
    case accepted:
        return 1;
    case refused:
        throw InputError(child.message);
    case environment:
        throw EnvironmentError(child.message);
    case static_cast<int>(ExitCode::bad_input): // exit code of CrashGuard
        throw EnvironmentError(kLibraryCrashed);
    default:
        if (is_crash_in_hdf5(child.message)) {
            throw EnvironmentError(kLibraryCrashed);
        }
        throw std::logic_error(
            child.message.empty() ? fmt::format("exit status {}", WEXITSTATUS(child.status))
                                  : child.message
        );
    }
}

} // namespace headroom::fuzz
