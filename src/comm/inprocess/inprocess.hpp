// A transport for a whole fleet in one process. Each device has a thread, and exactly one thread
// runs at any time, so the order of execution is the same in every run. The transport has the
// contract of the transport over MPI but uses one core. For tests and computers without MPI.
#pragma once

#include <cstddef>
#include <functional>

#include "comm/transport.hpp"

namespace headroom::comm {

/// A message up to this size is copied by start_send, so that its send is done at once, as in MPI
/// libraries. The send of a larger message is done when the receiver has copied the message.
inline constexpr std::size_t kInprocessEagerBytes = 4096;

class InprocessFleet {
  public:
    /// Precondition: at least one device.
    explicit InprocessFleet(std::size_t devices);

    /// Calls the body once per device, on a thread with a transport of its own, and returns when
    /// all calls have returned. A device runs until it must wait, sleeps in idle_until, or
    /// has_message() returns false. Then the next device that can run continues, in the order of
    /// ids. If a body throws, the next wait of every other device throws a StuckError that names
    /// the failed device, and run() throws the first error. If no device can continue, every wait
    /// throws a StuckError that lists which device waits for which. Deadlines are ignored, because
    /// a deadlock is detected at once.
    void run(const std::function<void(Transport&)>& body);

  private:
    std::size_t devices_;
};

} // namespace headroom::comm
