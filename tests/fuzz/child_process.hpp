// Runs an input in a child process, because a library may crash on it. The driver then continues.
#pragma once

#include <functional>

namespace headroom::fuzz {

/// The message of the EnvironmentError for an input on which HDF5 crashed.
inline constexpr const char* kLibraryCrashed = "HDF5 broke down";

/// Runs an action in a child of this process. Returns 1 if the action returns 1, and throws the
/// InputError or EnvironmentError that the action throws. Throws EnvironmentError(kLibraryCrashed)
/// if HDF5 crashes (trace/hdf5/library/crash_guard.hpp). Throws std::logic_error, which is a
/// finding, for another exception, a signal, a sanitizer's report, or more than 10 s or 1 GiB.
int run_in_child(const std::function<int()>& action);

} // namespace headroom::fuzz
