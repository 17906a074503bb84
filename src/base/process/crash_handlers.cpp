#include "base/process/crash_handlers.hpp"

#include <array>
#include <cstddef>

namespace headroom {
namespace {

constexpr std::size_t kStackBytes = std::size_t{64} << 10;

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
alignas(16) std::array<char, kStackBytes> stack;

} // namespace

CrashHandlers::CrashHandlers(std::span<const int> signals, void (*handler)(int)) {
    stack_t own{};
    own.ss_sp = stack.data();
    own.ss_size = stack.size();
    sigaltstack(&own, &previous_stack_);
    struct sigaction action = {};
    action.sa_handler = handler;
    action.sa_flags = SA_ONSTACK;
    for (const int signal : signals) {
        struct sigaction previous = {};
        sigaction(signal, &action, &previous);
        previous_actions_.emplace_back(signal, previous);
    }
}

CrashHandlers::~CrashHandlers() {
    for (const auto& [signal, previous] : previous_actions_) {
        sigaction(signal, &previous, nullptr);
    }
    sigaltstack(&previous_stack_, nullptr);
}

} // namespace headroom
