// A device's virtual clock and what it alone knows about its links: when each is free again. This
// is how times are found out by running; the timeline in scheduler/ finds the same out by walking.
// The two share `finish` (inside Rates) and nothing else. Source: docs/explanation/time.md.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/fleet.hpp"

namespace headroom::device {

/// What travels with a message so that its receiver can tell when it has it.
struct Departure {
    Nanoseconds begin = 0;   ///< g: when the link takes it
    Nanoseconds head = 0;    ///< g + latency(g): when its first bytes are there
    Nanoseconds arrival = 0; ///< without the receiver's ingress
};

struct Interval {
    Nanoseconds start = 0;
    Nanoseconds end = 0;
};

class DeviceClock {
  public:
    /// `stop` is asked where a time takes long to find out.
    DeviceClock(const scheduler::Fleet& fleet, DeviceId self, StopCheck stop = nullptr);

    /// From now on profiles are seen as by a turn begun after `tokens` sampled tokens.
    void set_tokens(std::int64_t tokens) { tokens_ = tokens; }

    [[nodiscard]] Nanoseconds now() const { return now_; }
    void raise(Nanoseconds time) { now_ = time > now_ ? time : now_; }
    void set(Nanoseconds time) { now_ = time; }

    /// One operation; `held` is what the device holds: above its memory at the start, paging comes
    /// first (only asked for a turn's first operation; 0 otherwise). end may be kNever.
    Interval operate(Flops flops, Bytes touched, Bytes held_for_paging);
    /// One message on its way.
    Departure send(DeviceId to, Bytes bytes);
    /// When a message has arrived, served in the order of calls.
    Nanoseconds serve(const Departure& departure, Bytes bytes);

    /// When its storage has read so much, beginning at `start`; kNever possible. Changes no clock:
    /// what is loaded during a migration is loaded beside the messages.
    [[nodiscard]] Nanoseconds load(Nanoseconds start, Bytes bytes) const;

    /// For messages about what never ends.
    [[nodiscard]] const scheduler::Fleet& fleet() const { return *fleet_; }
    [[nodiscard]] std::int64_t tokens() const { return tokens_; }

    /// This device's memory budget at a time.
    [[nodiscard]] Bytes memory(Nanoseconds t) const;

  private:
    [[nodiscard]] scheduler::FleetRates rates() const { return {*fleet_, tokens_, stop_}; }

    const scheduler::Fleet* fleet_;
    DeviceId self_;
    StopCheck stop_;
    std::int64_t tokens_ = 0;
    Nanoseconds now_ = 0;
    Nanoseconds egress_free_ = 0;
    Nanoseconds ingress_free_ = 0;
    std::vector<Nanoseconds> link_free_; ///< per target
};

} // namespace headroom::device
