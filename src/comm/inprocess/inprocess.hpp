// A transport for a whole fleet (all emulated devices) in one process, for tests and for computers
// without MPI. Each device has a thread, and exactly one thread runs at any time. So the order of
// execution is the same in every run, and the fleet uses one core.
#pragma once

#include <cstddef>
#include <functional>

#include "comm/transport.hpp"

namespace headroom::comm {

/// start_send copies a message up to this size, so that the send is done at once, as in most MPI
/// libraries. The send of a larger message is done when the receiver has copied the message.
inline constexpr std::size_t kInprocessEagerBytes = 4096;

class InprocessFleet {
  public:
    /// Precondition: at least one device.
    explicit InprocessFleet(std::size_t devices);

    /// Calls the body once per device, on a thread with a transport of its own, and returns when
    /// all calls have returned. A device runs until it must wait, sleeps in idle_until, or finds no
    /// message with has_message(). Then the next device that can run continues, in the order of
    /// ids. If a body throws, the next wait of every other device throws a StuckError that names
    /// the failed device (after an interrupt: InterruptedError), and run() throws the first error.
    /// If no device can continue, every wait throws a StuckError that lists which device waits for
    /// which. The options `deadline` and `silence` are ignored, because a deadlock is noticed at
    /// once.
    void run(const std::function<void(Transport&)>& body);

  private:
    std::size_t devices_;
};

} // namespace headroom::comm
