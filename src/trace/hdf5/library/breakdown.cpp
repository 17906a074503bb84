#include "trace/hdf5/library/breakdown.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <fmt/format.h>

#include "base/error.hpp"

namespace headroom::trace::h5 {

namespace {

/// A stack of its own: recursion without end is one of the ways to crash.
constexpr std::size_t kStackBytes = std::size_t{64} << 10;

// A signal handler has nowhere else to look.
// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables)
alignas(16) std::array<char, kStackBytes> stack;
std::array<char, 4096> breakdown_sentence;
std::size_t breakdown_sentence_bytes = 0;
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

extern "C" void break_off(int signal) {
    if (signal == SIGINT || signal == SIGTERM) {
        _exit(static_cast<int>(signal == SIGINT ? ExitCode::interrupted : ExitCode::terminated));
    }
    (void)!::write(STDERR_FILENO, breakdown_sentence.data(), breakdown_sentence_bytes);
    _exit(static_cast<int>(ExitCode::bad_input));
}

/// Of this process as it is, 0 if unknown.
rlim_t bytes_mapped() {
    std::ifstream numbers("/proc/self/statm");
    rlim_t pages = 0;
    numbers >> pages;
    return pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
}

/// What reading a file may take: rows in memory are several times their bytes, and those of a
/// compressed file many times (untrusted.cpp). None for a process that maps terabytes: a sanitizer
/// does, and limits memory itself.
rlim_t most_bytes(const std::string& path) {
    constexpr rlim_t kAnyway = rlim_t{768} << 20;
    constexpr rlim_t kTimes = 160;
    constexpr rlim_t kSanitizers = rlim_t{1} << 40;
    std::error_code unknown;
    const auto size = std::filesystem::file_size(path, unknown);
    const rlim_t mapped = bytes_mapped();
    const bool limited = !unknown && mapped > 0 && mapped < kSanitizers && size < kSanitizers;
    return limited ? mapped + kAnyway + kTimes * size : RLIM_INFINITY;
}

} // namespace

BreakdownGuard::BreakdownGuard(const std::string& path) {
    const auto end = fmt::format_to_n(
        breakdown_sentence.data(),
        breakdown_sentence.size(),
        "headroom: error: {}: is damaged in a way that the HDF5 library breaks down over\n"
        "  expected a whole trace that this version of headroom wrote; copy it again, or run "
        "again\n",
        path
    );
    breakdown_sentence_bytes = static_cast<std::size_t>(end.out - breakdown_sentence.data());
    stack_t own{};
    own.ss_sp = stack.data();
    own.ss_size = stack.size();
    sigaltstack(&own, &stack_before_);
    struct sigaction action = {};
    action.sa_handler = break_off;
    action.sa_flags = SA_ONSTACK;
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
        sigaction(kSignals[i], &action, &before_[i]);
    }
    getrlimit(RLIMIT_AS, &memory_before_);
    rlimit memory = memory_before_;
    memory.rlim_cur = std::min(memory.rlim_cur, most_bytes(path));
    limits_memory_ = memory.rlim_cur < memory_before_.rlim_cur;
    setrlimit(RLIMIT_AS, &memory);
}

BreakdownGuard::~BreakdownGuard() {
    setrlimit(RLIMIT_AS, &memory_before_);
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
        sigaction(kSignals[i], &before_[i], nullptr);
    }
    sigaltstack(&stack_before_, nullptr);
}

} // namespace headroom::trace::h5
