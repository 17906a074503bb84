// Private to comm/mpi: the job's processes on this computer, as the operating system has them. Only
// for what MPI cannot tell: who is stopped while MPI starts or ends, and the words for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <sys/types.h>
#include <thread>
#include <vector>

namespace headroom::comm {

struct Neighbour {
    int rank = -1;
    pid_t process = 0;
    bool stopped = false;
};
/// This rank among them, in the order of ranks. Empty where the system does not show them.
[[nodiscard]] std::vector<Neighbour> neighbours();

/// What is wrong with a silent rank, as far as this computer knows.
[[nodiscard]] std::string state_text(int rank);

/// While it lives, this rank is in a call of MPI that waits for all ranks and cannot be given up.
/// If one of them on this computer is stopped meanwhile for `silence`, the lowest rank that is not
/// says so and ends the process, and mpirun the job.
class BlockedWatch {
  public:
    BlockedWatch(const char* what, std::chrono::nanoseconds silence);
    BlockedWatch(const BlockedWatch&) = delete;
    BlockedWatch& operator=(const BlockedWatch&) = delete;
    ~BlockedWatch();

  private:
    void run();

    const char* what_;
    std::chrono::nanoseconds silence_;
    std::mutex state_;
    bool over_ = false;
    std::condition_variable end_;
    std::thread thread_;
};

} // namespace headroom::comm
