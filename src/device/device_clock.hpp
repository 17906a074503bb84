// The virtual clock of one device, with the times at which its outgoing links become free. A real
// run computes virtual times with this class; the timeline in scheduler/ computes the same times
// without running the model. Both compute the ends of work with FleetRates but share no other code,
// so that tests can compare them. See docs/explanation/time.md.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/fleet.hpp"

namespace headroom::device {

/// The virtual times of a message. The sender computes them and sends them along; the receiver
/// computes its own arrival time from them.
struct MessageTiming {
    Nanoseconds begin = 0;      ///< g, the time at which the link starts to transmit
    Nanoseconds first_byte = 0; ///< g + latency(g), the arrival of the first byte
    Nanoseconds arrival = 0;    ///< arrival of the last byte if the receiver has no ingress cap
};

struct TimeSpan {
    Nanoseconds start = 0;
    Nanoseconds end = 0;
};

class DeviceClock {
  public:
    /// `stop` is called in long computations, to end them.
    DeviceClock(const scheduler::Fleet& fleet, DeviceId self, StopCheck stop = nullptr);

    /// Sets the number of tokens that had been sampled when the present turn began. Rates depend on
    /// this number if the scenario gives the start of an event in tokens.
    void set_sampled_tokens(std::int64_t tokens) { sampled_tokens_ = tokens; }

    [[nodiscard]] Nanoseconds now() const { return now_; }
    void advance_to(Nanoseconds time) { now_ = time > now_ ? time : now_; }
    void set_time(Nanoseconds time) { now_ = time; }

    /// Executes one operation that reads `touched` bytes of memory: advances the clock to its end
    /// and returns its times. `held_for_paging`: the bytes that the device holds, or 0 if this is
    /// not the first operation of a turn. If these bytes exceed the device's memory, the excess is
    /// first read from storage. The end is kNever if the operation never ends.
    TimeSpan run_operation(Flops flops, Bytes touched, Bytes held_for_paging);
    /// Returns the times of a message that is sent now. The message keeps the link busy, and the
    /// egress cap (the limit of all bytes per second that the device sends).
    MessageTiming send(DeviceId to, Bytes bytes);
    /// Returns the time at which a received message has arrived. With an ingress cap (a limit of
    /// all bytes per second received), messages are served in the order of the calls.
    Nanoseconds receive(const MessageTiming& timing, Bytes bytes);

    /// Returns the time at which the storage has read `bytes` if it begins at `start`, or kNever.
    /// Does not advance the clock: in a migration, storage reads and messages overlap.
    [[nodiscard]] Nanoseconds load(Nanoseconds start, Bytes bytes) const;

    // For the texts of errors about operations that never end.
    [[nodiscard]] const scheduler::Fleet& fleet() const { return *fleet_; }
    [[nodiscard]] std::int64_t sampled_tokens() const { return sampled_tokens_; }

    /// Returns the memory budget of this device at time t.
    [[nodiscard]] Bytes memory(Nanoseconds t) const;

  private:
    [[nodiscard]] scheduler::FleetRates rates() const { return {*fleet_, sampled_tokens_, stop_}; }

    const scheduler::Fleet* fleet_;
    DeviceId self_;
    StopCheck stop_;
    std::int64_t sampled_tokens_ = 0;
    Nanoseconds now_ = 0;
    Nanoseconds egress_free_ = 0;
    Nanoseconds ingress_free_ = 0;
    std::vector<Nanoseconds> link_free_; ///< per receiving device
};

} // namespace headroom::device
