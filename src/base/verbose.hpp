// Whether messages also repeat what the libraries below us say: --verbose. A variable of the
// environment, because ranks are told by their launcher's.
#pragma once

#include <cstdlib>

namespace headroom {

inline constexpr const char* kVerboseVariable = "HEADROOM_VERBOSE";

[[nodiscard]] inline bool is_verbose() {
    const char* const value = std::getenv(kVerboseVariable);
    return value != nullptr && *value != '\0';
}

} // namespace headroom
