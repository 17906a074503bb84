// Starting mpirun ourselves, quietly, for a run that was started outside of it.
#pragma once

#include <cstddef>

#include "cli/launch/handover.hpp"

namespace headroom::cli {

/// Runs this program again under `mpirun -n ranks`, hands it the run, and waits for its end.
/// SIGINT and SIGTERM are passed on as requests to close the trace; a second one ends the job.
/// Returns the exit code of the run. Throws EnvironmentError if there is no mpirun, if the ranks do
/// not come up, or if one of them was killed.
[[nodiscard]] int run_under_mpirun(std::size_t ranks, const Handover& handover);

/// OpenBLAS chooses its kernels when it is loaded, before main, and 0.3.21 chooses badly on newer
/// Xeons: if it should have been told, tells it and starts this program again.
void restart_with_openblas_core(char** argv);

} // namespace headroom::cli
