// Checks for mistakes in the program. They are active in release builds too. No input of a user may
// make a check fail, because mistakes of users are reported by the errors of base/error.hpp.
#pragma once

#include <stdexcept>
#include <string>

#include <fmt/format.h>

namespace headroom {

/// The exception that HEADROOM_CHECK throws. It ends the program with exit code 4.
class Bug : public std::logic_error {
  public:
    using std::logic_error::logic_error;
};

[[noreturn]] void fail_check(
    const char* expression, const char* file, int line, const std::string& values
);

} // namespace headroom

/// HEADROOM_CHECK(condition, "format {}", values...) throws Bug if the condition is false. The text
/// of the exception has the place in the code, the condition and the formatted values.
#define HEADROOM_CHECK(condition, ...)                                                             \
    do {                                                                                           \
        if (!(condition)) [[unlikely]] {                                                           \
            ::headroom::fail_check(#condition, __FILE__, __LINE__, ::fmt::format(__VA_ARGS__));    \
        }                                                                                          \
    } while (false)
