// What the environment says of how this process was started: is it a rank, one of several copies,
// or a child of a process that was a rank?
#pragma once

#include <cstddef>
#include <string>

namespace headroom::cli {

/// Is this process one rank of a job that mpirun or srun started? A shell that srun started for
/// somebody to type in is one too, for MPI; what is typed there is not.
[[nodiscard]] bool under_launcher();

/// How many copies of this program mpirun started; 1 if there is none.
[[nodiscard]] int launched_copies();

/// How many copies of this program srun started without telling them of each other: they are no
/// ranks of one job. 1 if there is nothing of the kind.
[[nodiscard]] int copies_without_mpi();

/// The same of an mpirun of another MPI, whose ranks would not find each other. 1: none.
[[nodiscard]] int copies_of_another_mpi();

/// How the launcher that started this process starts `ranks` of them: "mpirun -n 3".
[[nodiscard]] std::string launcher_words(std::size_t ranks);

// Before MPI is up, too:

[[nodiscard]] bool is_rank_0();
/// How many ranks the job has; 1 if nobody says.
[[nodiscard]] int ranks_of_the_job();
/// False also if nobody says so.
[[nodiscard]] bool all_ranks_are_here();

/// Before MPI is up every rank meets the same error, and rank 0 tells it: the others wait for its
/// end to end them too. Who is still there afterwards, was alone with the error and gets false.
[[nodiscard]] bool rank_0_tells();

/// Takes out of the environment what makes a process a rank, so that its children are none.
void leave_the_job();

} // namespace headroom::cli
