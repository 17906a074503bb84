// A whole fleet in one process: one thread per device, of which exactly one runs at any time.
// The same transport contract as over MPI, without MPI: for tests, for machines without it, and for
// runs whose order of execution shall be the same every time. It is not meant to be fast by cores.
#pragma once

#include <cstddef>
#include <functional>

#include "comm/transport.hpp"

namespace headroom::comm {

/// Ordinary sends up to this size are copied and done at once, as MPI libraries do; larger ones are
/// done when the receiver has copied them.
inline constexpr std::size_t kInprocessEagerBytes = 4096;

class InprocessFleet {
  public:
    /// Precondition: at least one device.
    explicit InprocessFleet(std::size_t devices);

    /// Calls the body once per device, each on a thread of its own with its own transport, and
    /// returns when all have returned. A device runs until it must wait; then the next one by id
    /// that can run goes on. If a body throws, the others are stopped at their next wait with a
    /// StuckError that names the failed device, and the first error is thrown again here. If nobody
    /// can go on, every waiting device gets a StuckError that lists who waits for whom; deadlines
    /// are not needed and not looked at. idle_until lets others run meanwhile; so does a ready()
    /// that finds nothing.
    void run(const std::function<void(Transport&)>& body);

  private:
    std::size_t devices_;
};

} // namespace headroom::comm
