// Repairs a trace file that a killed run left behind, so that every HDF5 tool can open it.
#pragma once

#include <functional>
#include <string>

namespace headroom::trace {

/// Clears HDF5's mark that a writer has the file open, and corrects the file length in HDF5's
/// metadata.
/// Runs the program `h5clear -s --increment FILE`, because the HDF5 library has no function for
/// this. All committed intervals are kept. Returns whether the file had to be repaired. If the
/// writer may still run on another host, calls `warn` and repairs the file, because the trace has
/// not grown for 5 s. Throws InputError if the file is not a trace or its run is still running.
/// Throws EnvironmentError if h5clear (Debian package hdf5-tools) is missing or fails.
[[nodiscard]] bool repair(
    const std::string& path, const std::function<void(const std::string&)>& warn = {}
);

} // namespace headroom::trace
