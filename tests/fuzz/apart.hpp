// One input in a process of its own, for libraries that crash on some: the driver goes on.
#pragma once

#include <functional>

namespace headroom::fuzz {

/// What an action does in a child of this process: 1 or the InputError or EnvironmentError that it
/// throws. A reading that HDF5 broke down over (trace/hdf5/library/breakdown.hpp) is an
/// EnvironmentError, too. Throws a logic_error, a finding, for every other way to end: another
/// exception, a signal, a sanitizer's report, more than 10 s or 1 GiB.
inline constexpr const char* kBrokeDown = "HDF5 broke down";
int apart(const std::function<int()>& action);

} // namespace headroom::fuzz
