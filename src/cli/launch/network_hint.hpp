// Hints for jobs on several hosts whose ranks do not receive each other's messages. The usual cause
// is that Open MPI uses interfaces with the same address on every host (docker0, virbr0).
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace headroom::cli {

/// Returns a hint to append to the error text which says that a rank did not answer in time. The
/// hint is empty if all ranks run on this host. `known_hosts` has the host of each rank that has
/// sent a message.
[[nodiscard]] std::string network_hint(const std::vector<std::string>& known_hosts);

/// A time limit for the initialisation of MPI, whose calls cannot be interrupted. If the object
/// still exists after the limit, it prints an error and ends the process; mpirun then ends the job.
/// Time in which the process was suspended (for example by SIGSTOP) does not count.
class MpiStartTimeout {
  public:
    MpiStartTimeout();
    MpiStartTimeout(const MpiStartTimeout&) = delete;
    MpiStartTimeout& operator=(const MpiStartTimeout&) = delete;
    ~MpiStartTimeout();

  private:
    void run();

    std::mutex state_;
    bool over_ = false;
    std::condition_variable end_;
    std::thread thread_;
};

} // namespace headroom::cli
