// Starts mpirun if the user has started `headroom run` directly and not by mpirun or srun.
#pragma once

#include <cstddef>

#include "cli/launch/handover.hpp"

namespace headroom::cli {

/// Starts this program under `mpirun -n ranks`, passes the handover to rank 0 and waits for the end
/// of the job. The first SIGINT or SIGTERM asks the ranks to close the trace; the second ends the
/// job. Returns the exit code of the run. Throws EnvironmentError if there is no mpirun, if the
/// ranks do not start, or if one of them is killed.
[[nodiscard]] int run_under_mpirun(std::size_t ranks, const Handover& handover);

/// If OpenBLAS has chosen slow kernels, as 0.3.21 does on recent Xeons, sets OPENBLAS_CORETYPE and
/// executes this program again, because OpenBLAS chooses when it is loaded, before main().
void restart_with_openblas_core(char** argv);

} // namespace headroom::cli
