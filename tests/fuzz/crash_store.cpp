#include "fuzz/crash_store.hpp"

#include <array>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace headroom::fuzz {

namespace {

constexpr unsigned kSecondsPerInput = 60;

/// The state that the signal handler needs. A handler can only use global variables.
struct {
    std::array<char, 4096> file{};
    const char* input = nullptr;
    std::size_t size = 0;
} crash; // NOLINT(cppcoreguidelines-avoid-non-const-global-variables): see above

void write_input() {
    if (crash.file[0] == '\0' || crash.input == nullptr) {
        return;
    }
    const int file = ::open(crash.file.data(), O_CREAT | O_WRONLY | O_TRUNC, 0644);
    const char* at = crash.input;
    std::size_t left = crash.size;
    while (file >= 0 && left > 0) {
        const ssize_t written = ::write(file, at, left);
        if (written <= 0) {
            break;
        }
        at += written;
        left -= static_cast<std::size_t>(written);
    }
    constexpr std::string_view kText = "this input ended the process; it is stored in ";
    (void)!::write(STDERR_FILENO, kText.data(), kText.size());
    (void)!::write(STDERR_FILENO, crash.file.data(), std::string_view(crash.file.data()).size());
    (void)!::write(STDERR_FILENO, "\n", 1);
}

extern "C" void write_input_and_die(int signal) {
    write_input();
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

} // namespace

void store_on_crash(const std::filesystem::path& file) {
    const std::string path = file.string();
    crash.file.fill('\0');
    path.copy(crash.file.data(), crash.file.size() - 1);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_set_death_callback(write_input); // it handles all signals but abort
    std::signal(SIGABRT, write_input_and_die);
#else
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
        std::signal(signal, write_input_and_die);
    }
#endif
    std::signal(SIGALRM, write_input_and_die);
}

void set_current_input(std::string_view input) {
    crash.input = input.data();
    crash.size = input.size();
    ::alarm(kSecondsPerInput);
}

void clear_current_input() {
    ::alarm(0);
    crash.input = nullptr;
}

} // namespace headroom::fuzz
