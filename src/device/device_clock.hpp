// The virtual clock of one emulated device. It computes how long the device would take for its
// work, so virtual times do not depend on the speed of this computer. A real run computes virtual
// times with this class; the timeline in scheduler/ computes the same times without running the
// model. Both ask FleetRates when work ends but share no other code, so that tests can compare
// them. See docs/explanation/time.md.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/fleet.hpp"

namespace headroom::device {

/// The virtual times of a message. The sender computes these times and sends them with the message.
/// From these times the receiver computes when the message has arrived. That can be after `arrival`
/// if the receiver has an ingress cap. An ingress cap limits the bytes per second that a device
/// receives over all its links. An egress cap limits the bytes per second that a device sends over
/// all its links.
struct MessageTiming {
    Nanoseconds begin = 0; ///< when the link starts to transmit
    /// When the first byte arrives: the begin of the last transmission + the latency at that time.
    Nanoseconds first_byte = 0;
    Nanoseconds arrival = 0; ///< when the last byte arrives if the receiver has no ingress cap
};

/// A message that this device is about to send.
struct Sending {
    DeviceId to;
    Bytes bytes = 0;
    scheduler::MediaShares shares{};
    scheduler::MessageKey key{};
};

struct TimeSpan {
    Nanoseconds start = 0;
    Nanoseconds end = 0;
};

class DeviceClock {
  public:
    /// Long computations of times call `stop` and end if it returns an exit code. Null: they are
    /// never stopped.
    DeviceClock(const scheduler::Fleet& fleet, DeviceId self, StopCheck stop = nullptr);

    /// Sets the number of tokens that had been sampled when the present forward pass began. Rates
    /// depend on this number if the scenario lets an event, such as a drop of bandwidth, start at a
    /// number of tokens.
    void set_sampled_tokens(std::int64_t tokens) { sampled_tokens_ = tokens; }

    [[nodiscard]] Nanoseconds now() const { return now_; }
    void advance_to(Nanoseconds time) { now_ = time > now_ ? time : now_; }
    void set_time(Nanoseconds time) { now_ = time; }

    /// Advances the clock to the end of one operation (the computation of one block for a batch).
    /// The first operation of a stage begins with the device's operation overhead. Returns the
    /// start and the end of the operation; the end is kNever if it never ends. `held_for_paging` is
    /// 0 if the device need not page before this operation. Otherwise it is the number of bytes
    /// that the device holds, and the operation starts when the bytes beyond the device's memory
    /// have been read from storage.
    TimeSpan run_operation(
        const scheduler::OperationCost& cost, bool starts_stage, Bytes held_for_paging
    );
    /// Returns the times of a message that is sent now. The message begins when its link has sent
    /// the earlier messages and, with an egress cap, when the cap has let all earlier messages of
    /// the device through.
    /// The device's message overhead advances the clock before.
    MessageTiming send(const Sending& message);
    /// Returns the time at which the last byte of a message has arrived. With an ingress cap,
    /// messages share the cap one after the other, in the order of the calls. Does not advance the
    /// clock.
    Nanoseconds receive(const MessageTiming& timing, Bytes bytes);
    [[nodiscard]] bool has_message_overhead() const { return rates().message_overhead(self_) > 0; }
    /// Advances the clock to the arrival of a message, then by the device's message overhead.
    void handle_arrival(Nanoseconds arrival);

    /// Returns the time at which the storage has read `bytes` if it begins at `start`; kNever if it
    /// never gets that far. Does not advance the clock: in a migration of blocks, storage reads and
    /// messages overlap.
    [[nodiscard]] Nanoseconds load(Nanoseconds start, Bytes bytes) const;

    // For the texts of errors about operations that never end:
    [[nodiscard]] const scheduler::Fleet& fleet() const { return *fleet_; }
    [[nodiscard]] std::int64_t sampled_tokens() const { return sampled_tokens_; }

    /// Returns the memory budget of this device at time t.
    [[nodiscard]] Bytes memory(Nanoseconds t) const;

  private:
    [[nodiscard]] scheduler::FleetRates rates() const { return {*fleet_, sampled_tokens_, stop_}; }

    Nanoseconds transmit(const Sending& message, Nanoseconds begin);

    const scheduler::Fleet* fleet_;
    DeviceId self_;
    StopCheck stop_;
    std::int64_t sampled_tokens_ = 0;
    Nanoseconds now_ = 0;
    Nanoseconds egress_free_ = 0;
    Nanoseconds ingress_free_ = 0;
    std::vector<Nanoseconds> link_free_; ///< when the link to each device is free
};

} // namespace headroom::device
