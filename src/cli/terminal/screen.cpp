#include "cli/terminal/screen.hpp"

#include <cstdlib>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/terminal/streams.hpp"

namespace headroom::cli {

namespace {

/// A rank's stdout under somebody's own mpirun is a pseudo-terminal of mpirun's, wherever mpirun's
/// own goes. What started the rank knows, if it is on this host.
bool leads_to_terminal(int descriptor) {
    if (isatty(descriptor) != 1 || std::getenv("OMPI_COMM_WORLD_RANK") == nullptr) {
        return isatty(descriptor) == 1;
    }
    std::error_code unknown;
    const std::filesystem::path to = std::filesystem::read_symlink(
        fmt::format("/proc/{}/fd/{}", getppid(), descriptor), unknown
    );
    return unknown || to.string().starts_with("/dev/pts/") || to.string().starts_with("/dev/tty") ||
           to == "/dev/console";
}

/// What the process that started mpirun says of its own streams, if there is one.
bool told_or_seen(const char* variable, int descriptor) {
    const char* const told = std::getenv(variable);
    return told != nullptr ? std::string_view(told) == "1" : leads_to_terminal(descriptor);
}

bool one_place(int a, int b) {
    struct stat first {};
    struct stat second {};
    // Of two closed streams each is /dev/null, but only one takes what is written.
    return is_closed_for_writing(a) == is_closed_for_writing(b) && fstat(a, &first) == 0 &&
           fstat(b, &second) == 0 && first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

bool told_same() {
    const char* const told = std::getenv("HEADROOM_TTY_SAME");
    return told != nullptr ? std::string_view(told) == "1"
                           : one_place(STDOUT_FILENO, STDERR_FILENO);
}

} // namespace

Terminal Terminal::look() {
    return {
        told_or_seen("HEADROOM_TTY_OUT", STDOUT_FILENO),
        told_or_seen("HEADROOM_TTY_ERR", STDERR_FILENO),
        told_same(),
    };
}

void Terminal::tell_children() const {
    setenv("HEADROOM_TTY_OUT", out ? "1" : "0", 1);
    setenv("HEADROOM_TTY_ERR", err ? "1" : "0", 1);
    setenv("HEADROOM_TTY_SAME", same ? "1" : "0", 1);
}

std::string shown(bool on_terminal, std::string_view text) {
    return on_terminal ? visible(text) : std::string(text);
}

std::string shown(std::FILE* to, std::string_view text) {
    const Terminal terminal = Terminal::look();
    return shown(to == stdout ? terminal.out : terminal.err, text);
}

void put(std::FILE* to, std::string_view text) {
    put_as_is(to, shown(to, text));
}

void put_as_is(std::FILE* to, std::string_view text) {
    (void)std::fwrite(text.data(), 1, text.size(), to);
}

} // namespace headroom::cli
