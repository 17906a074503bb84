// Starting mpirun ourselves, quietly, for a run that was started outside of it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace headroom::cli {

/// Is this process one rank of a job that mpirun or srun started?
[[nodiscard]] bool under_launcher();

/// How many copies of this program the launcher started; 1 if there is none or it does not say.
[[nodiscard]] int launched_copies();

/// Before MPI is up every rank meets the same error, and rank 0 tells it: the others wait for its
/// end to end them too. Who is still there afterwards, was alone with the error and gets false.
[[nodiscard]] bool rank_0_tells();

/// Runs this program again with the arguments under `mpirun -n ranks` and waits for its end.
/// SIGINT and SIGTERM are passed on as requests to close the trace; a second one ends the job.
/// Returns the exit code of the run. Throws EnvironmentError if there is no mpirun, or if a rank
/// was killed.
[[nodiscard]] int run_under_mpirun(std::size_t ranks, const std::vector<std::string>& arguments);

/// OpenBLAS chooses its kernels when it is loaded, before main, and 0.3.21 chooses badly on newer
/// Xeons: if it should have been told, tells it and starts this program again.
void restart_with_openblas_core(char** argv);

} // namespace headroom::cli
