// The virtual times of a migration as one device finds them out: when its messages leave and what
// it receives and loads is there. Source: docs/explanation/time.md#decisions.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "device/device_clock.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::runtime {

class MoveTimes {
  public:
    /// moves: in block order; they and the clock outlive this object.
    MoveTimes(
        std::span<const scheduler::Move> moves,
        const scheduler::Blocks& blocks,
        DeviceId self,
        device::DeviceClock& clock
    );

    /// From t_switch on: this device's own messages leave and its loads begin, in block order.
    /// Payload is added to `sent_bytes`, per target. Throws StuckError if one of them never ends.
    void begin(Nanoseconds t_switch, std::span<Bytes> sent_bytes);

    /// What travels with a move's pieces, from its source to its target.
    [[nodiscard]] const device::Departure& departure(std::size_t move) const {
        return departures_[move];
    }
    void set_departure(std::size_t move, const device::Departure& departure) {
        departures_[move] = departure;
    }

    /// The target has the block: its interval, and the clock is raised to the end. Called once per
    /// arriving move, in block order. Throws StuckError if it never gets in.
    [[nodiscard]] device::Interval arrive(std::size_t move);

  private:
    void depart(std::size_t move, std::span<Bytes> sent_bytes);
    void load(std::size_t move, Nanoseconds& storage_free);
    [[nodiscard]] std::string name_of(std::size_t move) const;

    std::span<const scheduler::Move> moves_;
    const scheduler::Blocks* blocks_;
    DeviceId self_;
    device::DeviceClock* clock_;
    std::vector<device::Departure> departures_;
    std::vector<device::Interval> loads_;
};

} // namespace headroom::runtime
