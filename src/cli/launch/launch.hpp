// Starts mpirun for a `headroom run` that was not itself started by mpirun or srun.
#pragma once

#include <cstddef>

#include "cli/launch/handover.hpp"

namespace headroom::cli {

/// Starts this program under `mpirun -n ranks`, passes the run to rank 0 and waits for the end of
/// the job. The first SIGINT or SIGTERM asks the ranks to close the trace; the second ends the job.
/// Returns the exit code of the run. Throws EnvironmentError if there is no mpirun, if the ranks do
/// not start, or if one of them is killed.
[[nodiscard]] int run_under_mpirun(std::size_t ranks, const Handover& handover);

/// OpenBLAS chooses its kernels when it is loaded, before main(), and version 0.3.21 chooses slow
/// ones on recent Xeons. In that case, sets OPENBLAS_CORETYPE and executes this program again.
void restart_with_openblas_core(char** argv);

} // namespace headroom::cli
