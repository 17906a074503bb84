// The setting of option --verbose: whether error messages also repeat what libraries such as HDF5
// and MPI report. An environment variable holds the setting, because ranks inherit the environment
// of the process that starts the MPI job.
#pragma once

#include <cstdlib>

namespace headroom {

inline constexpr const char* kVerboseVariable = "HEADROOM_VERBOSE";

[[nodiscard]] inline bool is_verbose() {
    const char* const value = std::getenv(kVerboseVariable);
    return value != nullptr && *value != '\0';
}

} // namespace headroom
