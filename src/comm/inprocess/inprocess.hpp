// A transport for a whole fleet in one process. Each device has a thread, and exactly one thread
// runs at any time, so the order of execution is the same in every run. The contract is that of the
// MPI transport. Tests use it, and runs on computers without MPI. It does not use several cores.
#pragma once

#include <cstddef>
#include <functional>

#include "comm/transport.hpp"

namespace headroom::comm {

/// Messages up to this size are copied by start_send, which is done at once, as in MPI libraries. A
/// larger message is done when its receiver has copied it.
inline constexpr std::size_t kInprocessEagerBytes = 4096;

class InprocessFleet {
  public:
    /// Precondition: at least one device.
    explicit InprocessFleet(std::size_t devices);

    /// Calls the body once per device, on a thread with a transport of its own, and returns when
    /// all calls have returned. A device runs until it must wait, or sleeps in idle_until, or
    /// has_message() returns false. Then the next device in the order of ids runs that can. If a
    /// body throws, the next wait of every other device throws a StuckError that names the failed
    /// device, and run() throws the first error. If no device can continue, every wait throws a
    /// StuckError that lists which device waits for which. Deadlines are therefore ignored.
    void run(const std::function<void(Transport&)>& body);

  private:
    std::size_t devices_;
};

} // namespace headroom::comm
