// Making an ordinary HDF5 file of what a killed run left behind.
#pragma once

#include <functional>
#include <string>

namespace headroom::trace {

/// Does what `h5clear -s --increment FILE` does, by running it: the library has no function for
/// it. Afterwards every HDF5 tool opens the file; what was committed is unchanged.
/// Returns whether there was anything to do. `tell` hears of a writer on another host that is taken
/// for dead because the trace does not grow.
/// Throws InputError: not a trace, or its run is still going on; EnvironmentError: h5clear
/// (Debian: hdf5-tools) is missing or fails.
[[nodiscard]] bool repair(
    const std::string& path, const std::function<void(const std::string&)>& tell = {}
);

} // namespace headroom::trace
