// What to try when ranks of several computers wait for each other in vain. Open MPI takes
// interfaces that have the same address everywhere (docker0, virbr0) for ways from one computer to
// another.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace headroom::cli {

/// A line behind the message of a wait that did not end, or "" if all ranks are on this computer.
/// heard_of: hosts that have said something so far, in any order, more than once.
[[nodiscard]] std::string network_hint(const std::vector<std::string>& heard_of);

/// While it lives, MPI is starting in calls that cannot be given up. If that lasts too long, it
/// says so and ends the process, and mpirun the job. A gap in the clock does not count.
class StartGuard {
  public:
    StartGuard();
    StartGuard(const StartGuard&) = delete;
    StartGuard& operator=(const StartGuard&) = delete;
    ~StartGuard();

  private:
    void run();

    std::mutex state_;
    bool over_ = false;
    std::condition_variable end_;
    std::thread thread_;
};

} // namespace headroom::cli
