// Checks for our own mistakes: on in release builds, never reachable from user input.
#pragma once

#include <stdexcept>
#include <string>

#include <fmt/format.h>

namespace headroom {

/// Thrown by HEADROOM_CHECK; main turns it into exit code 4.
class Bug : public std::logic_error {
  public:
    using std::logic_error::logic_error;
};

[[noreturn]] void fail_check(
    const char* expression, const char* file, int line, const std::string& values
);

} // namespace headroom

/// HEADROOM_CHECK(condition, "format {}", values...): throws Bug with place and values.
#define HEADROOM_CHECK(condition, ...)                                                             \
    do {                                                                                           \
        if (!(condition)) [[unlikely]] {                                                           \
            ::headroom::fail_check(#condition, __FILE__, __LINE__, ::fmt::format(__VA_ARGS__));    \
        }                                                                                          \
    } while (false)
