// What the environment variables of mpirun and srun say about how this process was started: as a
// rank of an MPI job, as one of several unrelated copies, or by a user. All functions work before
// MPI is initialised.
#pragma once

#include <cstddef>
#include <string>

namespace headroom::cli {

/// Whether this process is a rank of a job that mpirun or srun started. A command typed into an
/// interactive shell of srun (`srun --pty bash`) is no rank, although it inherits the variables of
/// one.
[[nodiscard]] bool is_launched_rank();

/// Returns how many copies of this program mpirun started; 1 without mpirun.
[[nodiscard]] int mpirun_copies();

/// Returns how many copies of this program srun started without MPI, so that each copy would
/// execute the whole run; 1 if srun did not do so.
[[nodiscard]] int srun_copies_without_mpi();

/// Returns how many copies of this program the launcher of an MPI implementation other than Open
/// MPI started; 1 if there was no such launcher. These copies would not find each other, because
/// this program uses Open MPI.
[[nodiscard]] int copies_by_another_mpi();

/// Returns the command by which the launcher of this process starts that many ranks, such as
/// "mpirun -n 3".
[[nodiscard]] std::string launcher_command(std::size_t ranks);

[[nodiscard]] bool is_rank_0();
/// Returns how many ranks the job has; 1 if the environment does not say.
[[nodiscard]] int job_rank_count();
/// Whether all ranks of the job run on this host; false if the environment does not say.
[[nodiscard]] bool all_ranks_on_this_host();

/// Called for an error that occurs before MPI is initialised, usually on every rank. Returns
/// whether rank 0 reports the error in place of this rank. So the result is false on rank 0 itself,
/// which must report the error; mpirun then ends the other ranks by a signal. On another rank,
/// waits up to three seconds for this signal and returns whether it came. If not, this rank must
/// report the error, too.
[[nodiscard]] bool rank_0_reports();

/// Removes the variables that make this process a rank, so that its children are not ranks.
void clear_rank_environment();

} // namespace headroom::cli
