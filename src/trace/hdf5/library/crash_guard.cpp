#include "trace/hdf5/library/crash_guard.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <fmt/format.h>

#include "base/error.hpp"

namespace headroom::trace::h5 {

namespace {

constexpr std::array kSignals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGINT, SIGTERM};

// The signal handler can only use global variables.
// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables)
std::array<char, 4096> crash_message;
std::size_t crash_message_bytes = 0;
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

extern "C" void end_program(int signal) {
    if (signal == SIGINT || signal == SIGTERM) {
        _exit(static_cast<int>(signal == SIGINT ? ExitCode::interrupted : ExitCode::terminated));
    }
    (void)!::write(STDERR_FILENO, crash_message.data(), crash_message_bytes);
    _exit(static_cast<int>(ExitCode::bad_input));
}

/// Returns the bytes of virtual memory that this process maps; 0 if unknown.
rlim_t bytes_mapped() {
    std::ifstream numbers("/proc/self/statm");
    rlim_t pages = 0;
    numbers >> pages;
    return pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
}

/// Returns the memory limit of the process while it reads the file. Rows in memory take several
/// times their bytes in the file, and many times those of a compressed file (untrusted.cpp). Under
/// a sanitizer, which maps terabytes, there is no limit.
rlim_t memory_limit(const std::string& path) {
    constexpr rlim_t kMinimum = rlim_t{768} << 20;
    constexpr rlim_t kBytesPerFileByte = 160;
    constexpr rlim_t kSanitizerBytes = rlim_t{1} << 40;
    std::error_code unknown;
    const auto size = std::filesystem::file_size(path, unknown);
    const rlim_t mapped = bytes_mapped();
    const bool limited =
        !unknown && mapped > 0 && mapped < kSanitizerBytes && size < kSanitizerBytes;
    return limited ? mapped + kMinimum + kBytesPerFileByte * size : RLIM_INFINITY;
}

/// Writes the message for a crash.
void prepare_message(const std::string& path) {
    const auto end = fmt::format_to_n(
        crash_message.data(),
        crash_message.size(),
        "headroom: error: {}: is damaged in a way that the HDF5 library breaks down over\n"
        "  expected a whole trace that this version of headroom wrote; copy it again, or run "
        "again\n",
        path
    );
    crash_message_bytes = static_cast<std::size_t>(end.out - crash_message.data());
}

} // namespace

CrashGuard::CrashGuard(const std::string& path) {
    prepare_message(path);
    handlers_.emplace(kSignals, end_program);
    getrlimit(RLIMIT_AS, &previous_limit_);
    rlimit memory = previous_limit_;
    memory.rlim_cur = std::min(memory.rlim_cur, memory_limit(path));
    limits_memory_ = memory.rlim_cur < previous_limit_.rlim_cur;
    setrlimit(RLIMIT_AS, &memory);
}

CrashGuard::~CrashGuard() {
    setrlimit(RLIMIT_AS, &previous_limit_);
}

} // namespace headroom::trace::h5
