// Computes the virtual times of a migration on one device: when its messages leave, when it has
// loaded weights from its storage, and when the blocks that it receives have arrived. See
// docs/explanation/time.md#decisions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "device/device_clock.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::runtime {

class MoveTimes {
  public:
    /// `moves` has the moves of all devices, in block order; `epoch` is the one that begins.
    /// Moves, blocks and clock must outlive this object.
    MoveTimes(
        std::span<const scheduler::Move> moves,
        const scheduler::Blocks& blocks,
        DeviceId self,
        device::DeviceClock& clock,
        std::int64_t epoch
    );

    /// Computes when this device's messages leave and when its loads begin and end, in block order
    /// from t_switch on. Adds the payload sent to each device to `sent_bytes`. Throws StuckError if
    /// a message never arrives or a load never ends.
    void begin(Nanoseconds t_switch, std::span<Bytes> sent_bytes);

    /// Returns a reference to the times of a move's message. begin() sets them on the sender, which
    /// sends them with each piece. The receiver must assign the times that came with a piece to
    /// this reference before it calls arrive().
    [[nodiscard]] device::MessageTiming& timing(std::size_t move) { return timings_[move]; }

    /// Returns the begin and end of the transfer of the block that this move brings to this device.
    /// If messages have an overhead, advances the clock to the end of the message. Must be called
    /// once per move to this device, in block order. Throws StuckError if the block never arrives.
    [[nodiscard]] device::TimeSpan arrive(std::size_t move);

  private:
    void depart(std::size_t move, std::span<Bytes> sent_bytes);
    void load(std::size_t move, Nanoseconds& storage_free);
    [[nodiscard]] std::string name_of(std::size_t move) const;

    std::span<const scheduler::Move> moves_;
    const scheduler::Blocks* blocks_;
    DeviceId self_;
    device::DeviceClock* clock_;
    std::int64_t epoch_;
    std::vector<scheduler::MediaShares> shares_;
    std::vector<device::MessageTiming> timings_;
    std::vector<device::TimeSpan> loads_;
};

} // namespace headroom::runtime
