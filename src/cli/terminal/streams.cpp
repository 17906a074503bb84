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
        // The lowest free number is this one. Standard error takes what is written: nobody is left
        // to be told, and a run that is otherwise right stays right. Closed again on exec: whoever
        // starts anew finds what we found.
        const int access = descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY;
        if (open("/dev/null", access | O_CLOEXEC) < 0) {
            (void)open("/", O_RDONLY | O_CLOEXEC);
        }
    }
}

void survive_size_limits() {
    (void)std::signal(SIGXFSZ, SIG_IGN); // writes fail with EFBIG
}

bool is_closed_for_writing(int descriptor) {
    const int flags = fcntl(descriptor, F_GETFL);
    return flags < 0 || (flags & O_ACCMODE) == O_RDONLY;
}

std::string why_not_written(int error) {
    return error == EBADF
               ? "it is closed; expected a place for it: do not start the program with "
                 "it closed (>&-), give > /dev/null to see nothing of it"
               : fmt::format(
                     "{}; expected room for it: see df and ulimit -f, or write elsewhere",
                     std::strerror(error)
                 );
}

void check_all_was_told() {
    errno = 0;
    const bool failed = std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
    struct stat output = {};
    if (!failed || fstat(STDOUT_FILENO, &output) != 0) {
        return;
    }
    if (is_closed_for_writing(STDOUT_FILENO)) {
        throw EnvironmentError("standard output could not be written: " + why_not_written(EBADF));
    }
    if (S_ISREG(output.st_mode) || S_ISCHR(output.st_mode)) {
        throw EnvironmentError("standard output could not be written to its end, expected room for "
                               "it: see df and ulimit -f, or write elsewhere");
    }
}

} // namespace headroom::cli
