#include "cli/terminal/streams.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/error.hpp"

namespace headroom::cli {

void prepare_streams() {
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (fcntl(descriptor, F_GETFD) >= 0) {
            continue;
        }
        // open() returns this number because it is the lowest free one. Writing to a closed stderr
        // must succeed, so that it does not fail an otherwise correct run. O_CLOEXEC: after an
        // exec the descriptor is closed again.
        const int access = descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY;
        if (open("/dev/null", access | O_CLOEXEC) < 0) {
            (void)open("/", O_RDONLY | O_CLOEXEC);
        }
    }
}

void ignore_size_limit_signal() {
    (void)std::signal(SIGXFSZ, SIG_IGN); // writes fail with EFBIG
}

bool is_closed_for_writing(int descriptor) {
    const int flags = fcntl(descriptor, F_GETFL);
    return flags < 0 || (flags & O_ACCMODE) == O_RDONLY;
}

std::string write_failure_reason(int error) {
    return error == EBADF
               ? "it is closed; expected a place for it: do not start the program with "
                 "it closed (>&-), give > /dev/null to see nothing of it"
               : fmt::format(
                     "{}; expected room for it: see df and ulimit -f, or write elsewhere",
                     std::strerror(error)
                 );
}

void check_stdout_was_written() {
    errno = 0;
    const bool failed = std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
    struct stat output = {};
    if (!failed || fstat(STDOUT_FILENO, &output) != 0) {
        return;
    }
    if (is_closed_for_writing(STDOUT_FILENO)) {
        throw EnvironmentError(
            "standard output could not be written: " + write_failure_reason(EBADF)
        );
    }
    if (S_ISREG(output.st_mode) || S_ISCHR(output.st_mode)) {
        throw EnvironmentError("standard output could not be written to its end, expected room for "
                               "it: see df and ulimit -f, or write elsewhere");
    }
}

} // namespace headroom::cli
