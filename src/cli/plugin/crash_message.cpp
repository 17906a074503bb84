#include "cli/plugin/crash_message.hpp"

#include <array>
#include <csignal>
#include <cstddef>
#include <string_view>
#include <unistd.h>

#include <fmt/format.h>

#include "base/error.hpp"

namespace headroom::cli {
namespace {

constexpr std::array kSignals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

// The signal handler can only use global variables.
// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables)
std::array<char, 512> message;
std::size_t message_bytes = 0;
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

std::string_view reason_of(int signal) {
    switch (signal) {
    case SIGABRT:
        return "it aborted";
    case SIGFPE:
        return "wrong arithmetic, such as a division by zero";
    case SIGILL:
        return "an instruction that does not exist here";
    default:
        return "it used memory that is not its own";
    }
}

void write_all(std::string_view text) {
    (void)!::write(STDERR_FILENO, text.data(), text.size());
}

extern "C" void report_crash(int signal) {
    write_all({message.data(), message_bytes});
    write_all(reason_of(signal));
    write_all("; look for the mistake in the policy, for example with gdb --args headroom simulate "
              "SCENARIO --policy FILE\n");
    _exit(static_cast<int>(ExitCode::bad_input));
}

/// Writes the beginning of the message for a crash.
void prepare_message(const std::string& policy) {
    const auto end = fmt::format_to_n(
        message.data(),
        message.size(),
        "headroom: error: policy {} crashed in a decision, expected a placement: ",
        policy
    );
    message_bytes = static_cast<std::size_t>(end.out - message.data());
}

} // namespace

CrashMessage::CrashMessage(const std::string& policy) {
    prepare_message(policy);
    handlers_.emplace(kSignals, report_crash);
}

} // namespace headroom::cli
