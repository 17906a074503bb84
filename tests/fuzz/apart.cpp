#include "fuzz/apart.hpp"

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

/// Of a build that measures coverage: what a child has seen is kept.
extern "C" __attribute__((weak)) void __gcov_dump(void);

namespace headroom::fuzz {

namespace {

constexpr unsigned kMostSeconds = 10;
constexpr long kMostKib = 1L << 20;

enum Ending : int { accepted = 40, refused = 41, environment = 42, other = 43 };

/// The rest of a child's life; what it has to say goes into the pipe.
[[noreturn]] void live(const std::function<int()>& action, int pipe) {
    alarm(kMostSeconds);
    (void)dup2(pipe, STDERR_FILENO); // a sanitizer's report too
    std::string words;
    Ending ending = other;
    try {
        ending = action() == 1 ? accepted : refused;
    } catch (const InputError& error) {
        words = error.what();
        ending = words.empty() ? other : refused;
    } catch (const EnvironmentError& error) {
        words = error.what();
        ending = environment;
    } catch (const std::exception& error) {
        words = error.what();
    } catch (...) {
        words = "something that is no exception";
    }
    (void)!write(pipe, words.data(), words.size());
    if (__gcov_dump != nullptr) {
        __gcov_dump();
    }
    _exit(ending);
}

std::string all_of(int pipe) {
    std::string text;
    std::array<char, 4096> piece{};
    for (ssize_t bytes = 0; (bytes = read(pipe, piece.data(), piece.size())) > 0;) {
        text.append(piece.data(), static_cast<std::size_t>(bytes));
    }
    return text;
}

/// What this process holds now, which a child of it holds too.
long resident_kib() {
    std::ifstream file("/proc/self/statm");
    long all = 0;
    long resident = 0;
    file >> all >> resident;
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/// A child as it ended.
struct Past {
    long inherited_kib = 0;
    int status = 0;
    rusage used{};
    std::string words;
};

Past live_apart(const std::function<int()>& action) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) {
        throw std::runtime_error("no pipe");
    }
    Past past;
    past.inherited_kib = resident_kib();
    const pid_t child = fork();
    if (child < 0) {
        throw std::runtime_error("no process");
    }
    if (child == 0) {
        close(ends[0]);
        live(action, ends[1]);
    }
    close(ends[1]);
    past.words = all_of(ends[0]);
    close(ends[0]);
    while (wait4(child, &past.status, 0, &past.used) < 0 && errno == EINTR) {
    }
    return past;
}

/// Whether the innermost frame of a sanitizer's report, below the sanitizer's own, is HDF5's.
bool is_librarys_own(const std::string& report) {
    const auto line = [&](const char* frame) {
        const std::size_t begin = std::min(report.find(frame), report.size());
        return report.substr(begin, report.find('\n', begin) - begin);
    };
    return report.find("ERROR: AddressSanitizer") != std::string::npos &&
           (line("#0 ") + line("#1 ")).find("libhdf5") != std::string::npos;
}

} // namespace

int apart(const std::function<int()>& action) {
    const Past past = live_apart(action);
    if (const long took = past.used.ru_maxrss - past.inherited_kib; took > kMostKib) {
        throw std::logic_error(fmt::format("took {} MiB", took >> 10));
    }
    if (WIFSIGNALED(past.status)) {
        const int signal = WTERMSIG(past.status);
        throw std::logic_error(
            signal == SIGALRM ? fmt::format("more than {} s", kMostSeconds)
                              : fmt::format("signal {}", signal)
        );
    }
    switch (WEXITSTATUS(past.status)) {
    case accepted:
        return 1;
    case refused:
        throw InputError(past.words);
    case environment:
        throw EnvironmentError(past.words);
    case static_cast<int>(ExitCode::bad_input): // as the guard of reading leaves the program
        throw EnvironmentError(kBrokeDown);
    default:
        if (is_librarys_own(past.words)) {
            throw EnvironmentError(kBrokeDown);
        }
        throw std::logic_error(
            past.words.empty() ? fmt::format("exit status {}", WEXITSTATUS(past.status))
                               : past.words
        );
    }
}

} // namespace headroom::fuzz
