// Finds the ranks of this job on this computer, and which of their processes are stopped. Reads
// /proc, because MPI cannot tell this while it starts or ends. Only comm/mpi includes this header.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <sys/types.h>
#include <thread>
#include <vector>

namespace headroom::comm {

struct LocalRank {
    int rank = -1;
    pid_t process = 0;
    bool stopped = false; ///< whether SIGSTOP or Ctrl-Z has stopped the process
};
/// Returns all ranks of this job on this computer in increasing order, this rank included. Returns
/// an empty vector if the launcher (such as mpirun) does not set the environment variables of PMIx.
[[nodiscard]] std::vector<LocalRank> local_ranks();

/// Returns a phrase for an error message about a silent rank (one that gives no sign of life). If
/// its process is on this computer, the phrase says whether the process is stopped. Otherwise it
/// lists possible causes.
[[nodiscard]] std::string rank_state_text(int rank);

/// Watches a call of MPI that waits for all ranks and cannot be cancelled, such as MPI_Init. The
/// watch begins to look at the ranks on this computer when the call has lasted for a third of
/// `silence`. It reports an error when one of them has then been stopped for two thirds of
/// `silence` without a break. The lowest rank here that is not stopped prints the error and exits
/// with code 5; mpirun then ends the job.
class BlockedCallWatch {
  public:
    /// `what` is the name of the call in the error. If `silence` is 0, nothing is watched.
    BlockedCallWatch(const char* what, std::chrono::nanoseconds silence);
    BlockedCallWatch(const BlockedCallWatch&) = delete;
    BlockedCallWatch& operator=(const BlockedCallWatch&) = delete;
    ~BlockedCallWatch();

  private:
    void run();

    const char* what_;
    std::chrono::nanoseconds silence_;
    std::mutex mutex_;
    bool ended_ = false;
    std::condition_variable wake_;
    std::thread thread_;
};

} // namespace headroom::comm
