// Making an ordinary HDF5 file of what a killed run left behind.
#pragma once

#include <string>

namespace headroom::trace {

/// Does what `h5clear -s --increment FILE` does, by running it: the library has no function for
/// it. Afterwards every HDF5 tool opens the file; what was committed is unchanged.
/// Returns whether there was anything to do.
/// Throws InputError: not a trace, or its run is still going on; EnvironmentError: h5clear
/// (Debian: hdf5-tools) is missing or fails.
[[nodiscard]] bool repair(const std::string& path);

} // namespace headroom::trace
