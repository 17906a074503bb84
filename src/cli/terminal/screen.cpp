#include "cli/terminal/screen.hpp"

#include <cstdlib>
#include <filesystem>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/terminal/streams.hpp"

namespace headroom::cli {

namespace {

/// Under an mpirun of the user, stdout of a rank is a pseudo-terminal even if mpirun's own stdout
/// is a file. The streams of the parent process tell, if the parent is on this host.
bool is_terminal(int descriptor) {
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

bool same_file(int a, int b) {
    struct stat first {};
    struct stat second {};
    // Closed streams have become /dev/null, but only stderr can then be written to.
    return is_closed_for_writing(a) == is_closed_for_writing(b) && fstat(a, &first) == 0 &&
           fstat(b, &second) == 0 && first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

/// Returns what the variable says if it is set, else what the system says.
bool variable_or(const char* variable, bool (*ask_system)()) {
    const char* const value = std::getenv(variable);
    return value != nullptr ? std::string_view(value) == "1" : ask_system();
}

} // namespace

Terminal Terminal::detect() {
    return {
        variable_or("HEADROOM_TTY_OUT", [] { return is_terminal(STDOUT_FILENO); }),
        variable_or("HEADROOM_TTY_ERR", [] { return is_terminal(STDERR_FILENO); }),
        variable_or("HEADROOM_TTY_SAME", [] { return same_file(STDOUT_FILENO, STDERR_FILENO); }),
    };
}

void Terminal::export_to_children() const {
    setenv("HEADROOM_TTY_OUT", out_is_terminal ? "1" : "0", 1);
    setenv("HEADROOM_TTY_ERR", err_is_terminal ? "1" : "0", 1);
    setenv("HEADROOM_TTY_SAME", same_destination ? "1" : "0", 1);
}

std::size_t terminal_width(int descriptor) {
    winsize size{};
    return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

std::string printable(bool on_terminal, std::string_view text) {
    return on_terminal ? escape_controls(text) : std::string(text);
}

std::string printable(std::FILE* to, std::string_view text) {
    const Terminal terminal = Terminal::detect();
    return printable(to == stdout ? terminal.out_is_terminal : terminal.err_is_terminal, text);
}

void put(std::FILE* to, std::string_view text) {
    put_as_is(to, printable(to, text));
}

void put_as_is(std::FILE* to, std::string_view text) {
    (void)std::fwrite(text.data(), 1, text.size(), to);
}

} // namespace headroom::cli
