// Starting mpirun ourselves, quietly, for a run that was started outside of it.
#pragma once

#include <cstddef>
#include <string>

#include "cli/handover.hpp"

namespace headroom::cli {

/// Is this process one rank of a job that mpirun or srun started?
[[nodiscard]] bool under_launcher();

/// How many copies of this program mpirun started; 1 if there is none.
[[nodiscard]] int launched_copies();

/// How many copies of this program srun started without telling them of each other: they are no
/// ranks of one job. 1 if there is nothing of the kind.
[[nodiscard]] int copies_without_mpi();

/// How the launcher that started this process starts `ranks` of them: "mpirun -n 3".
[[nodiscard]] std::string launcher_words(std::size_t ranks);

/// Before MPI is up every rank meets the same error, and rank 0 tells it: the others wait for its
/// end to end them too. Who is still there afterwards, was alone with the error and gets false.
[[nodiscard]] bool rank_0_tells();

/// Runs this program again under `mpirun -n ranks`, hands it the run, and waits for its end.
/// SIGINT and SIGTERM are passed on as requests to close the trace; a second one ends the job.
/// Returns the exit code of the run. Throws EnvironmentError if there is no mpirun, or if a rank
/// was killed.
[[nodiscard]] int run_under_mpirun(std::size_t ranks, const Handover& handover);

/// OpenBLAS chooses its kernels when it is loaded, before main, and 0.3.21 chooses badly on newer
/// Xeons: if it should have been told, tells it and starts this program again.
void restart_with_openblas_core(char** argv);

} // namespace headroom::cli
