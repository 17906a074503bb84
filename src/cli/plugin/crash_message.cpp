#include "cli/plugin/crash_message.hpp"

#include <cstddef>
#include <string_view>
#include <unistd.h>

#include <fmt/format.h>

#include "base/error.hpp"

namespace headroom::cli {
namespace {

/// The signal handler has its own stack, because endless recursion can fill the normal one.
constexpr std::size_t kStackBytes = std::size_t{64} << 10;

// The signal handler can only use global variables.
// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables)
alignas(16) std::array<char, kStackBytes> stack;
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

} // namespace

CrashMessage::CrashMessage(const std::string& policy) {
    const auto end = fmt::format_to_n(
        message.data(),
        message.size(),
        "headroom: error: policy {} crashed in a decision, expected a placement: ",
        policy
    );
    message_bytes = static_cast<std::size_t>(end.out - message.data());
    stack_t own{};
    own.ss_sp = stack.data();
    own.ss_size = stack.size();
    sigaltstack(&own, &previous_stack_);
    struct sigaction action = {};
    action.sa_handler = report_crash;
    action.sa_flags = SA_ONSTACK;
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
        sigaction(kSignals[i], &action, &previous_actions_[i]);
    }
}

CrashMessage::~CrashMessage() {
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
        sigaction(kSignals[i], &previous_actions_[i], nullptr);
    }
    sigaltstack(&previous_stack_, nullptr);
}

} // namespace headroom::cli
