// The interface by which devices exchange bytes. Messages go from one device to another, carry a
// tag, and arrive in the order of sending per (sender, receiver, tag). A message is a list of byte
// ranges (parts); the interface knows no application types. One implementation uses MPI (comm/mpi);
// in the other, devices are threads of one process (comm/inprocess). tests/comm checks both.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/ids.hpp"

namespace headroom::comm {

/// The kind of a message. All tags are below 32767, the upper bound that MPI guarantees.
enum class Tag : std::uint16_t {
    setup = 1,   ///< configuration and its hash, at the start
    control = 2, ///< controller -> device: forward passes, new placements, stop
    report = 3,  ///< device -> controller
    data = 4,    ///< activations, token ids
    weights = 5, ///< weights, when the model is loaded
    migration = 6,
    ack = 7,
    failure = 8, ///< failed device -> device 0: its error
    test = 100,
};

inline constexpr std::int32_t kMaxSlots = 30'000;

/// Returns the tag for the activations of a slot. (A slot is the place of one running request.)
/// Each slot has its own tag, so that a device can receive the messages of several slots in another
/// order than that of sending. Precondition: 0 ≤ slot < kMaxSlots.
[[nodiscard]] Tag data_tag(std::int32_t slot);

[[nodiscard]] std::string_view name_of(Tag tag);

using Part = std::span<std::byte>;
using ConstPart = std::span<const std::byte>;

/// Says what a wait is for, in error texts. -1 means that a value is unknown.
struct WaitReason {
    std::string_view what = "a message";
    std::int64_t layer = -1;
    std::int64_t epoch = -1; ///< serial number of the placement of the model on the devices
    std::int64_t turn = -1;  ///< serial number of the forward pass
};

/// The message that a device waits to receive or to send, or the barrier at which it waits.
struct WaitTarget {
    std::string_view verb; ///< "receive", "send" or "meet"
    DeviceId peer;         ///< the other device; invalid for a barrier
    Tag tag = Tag::test;
    const WaitReason& reason;
};
/// Returns the peer, layer, epoch and turn of a wait, without those that are unknown.
[[nodiscard]] ErrorFields fields_of(const WaitTarget& target);

/// Returns " of layer 3, epoch 2, turn 17". Values that are -1 are left out.
[[nodiscard]] std::string to_string(const WaitReason& reason);

/// An asynchronous send. The bytes of its parts must not change until the send is done. The owner
/// must call Transport::wait. The destructor of an unfinished send prints an error and aborts the
/// process, except after a failure of the transport or while an exception propagates.
class PendingSend {
  public:
    /// The state of a send; each transport derives its own class.
    struct State {
        virtual ~State() = default;
        /// Returns whether the parts may be reused. With MPI, each call also advances the transfer.
        [[nodiscard]] virtual bool done() = 0;
        /// Returns whether the transport has failed. An unfinished send may then be destroyed.
        [[nodiscard]] virtual bool abandoned() const { return false; }
        /// Returns whether MPI may still read the parts after an unfinished send was destroyed.
        [[nodiscard]] virtual bool reads_after_drop() const { return false; }
        DeviceId to;
        Tag tag = Tag::test;
        std::int64_t bytes = 0;
    };
    PendingSend() = default;
    explicit PendingSend(std::unique_ptr<State> state) : state_(std::move(state)) {}
    PendingSend(PendingSend&&) noexcept = default;
    PendingSend& operator=(PendingSend&& other) noexcept;
    PendingSend(const PendingSend&) = delete;
    PendingSend& operator=(const PendingSend&) = delete;
    ~PendingSend();
    [[nodiscard]] bool active() const { return state_ != nullptr; }
    [[nodiscard]] State* state() const { return state_.get(); }
    void release() { state_.reset(); } ///< Precondition: the send is done or abandoned.

  private:
    void drop() noexcept;
    std::unique_ptr<State> state_;
};

class Transport {
  public:
    /// Frees the bytes of all messages of send_copy. But if a failure has left messages
    /// undelivered, MPI may still read their bytes, and the destructor leaks these on purpose.
    virtual ~Transport();
    [[nodiscard]] virtual DeviceId self() const = 0;
    [[nodiscard]] virtual std::size_t size() const = 0;

    /// Starts to send the parts as one message without copying them. A device may send to itself.
    [[nodiscard]] virtual PendingSend start_send(
        DeviceId to, Tag tag, std::span<const ConstPart> parts
    ) = 0;

    /// Like start_send, but the send is done only when the receiver has begun to receive the
    /// message. A sender that waits for this cannot fill the receiver's buffers with messages.
    [[nodiscard]] virtual PendingSend start_synchronous_send(
        DeviceId to, Tag tag, std::span<const ConstPart> parts
    ) = 0;

    /// Waits until the parts of the send may be reused. Throws the errors of receive, except Bug.
    virtual void wait(PendingSend& send, const WaitReason& reason) = 0;

    /// Waits for the next message of (from, tag) and writes it to the parts. Throws Bug if the
    /// length of the message is not that of all parts together. Throws StuckError at the deadline;
    /// the text names both devices and what the wait is for. Throws InterruptedError when the grace
    /// time (Options::grace) has passed since Options::interrupted reported a signal.
    virtual void receive(
        DeviceId from, Tag tag, std::span<const Part> parts, const WaitReason& reason
    ) = 0;

    /// Like receive, for a message whose length the receiver does not know. Returns the message.
    [[nodiscard]] virtual std::vector<std::byte> receive_any_size(
        DeviceId from, Tag tag, const WaitReason& reason
    ) = 0;

    /// Returns whether a message of (from, tag) can be received without waiting.
    [[nodiscard]] virtual bool has_message(DeviceId from, Tag tag) = 0;

    /// Waits until all devices have called barrier().
    virtual void barrier(const WaitReason& reason) = 0;

    /// Sleeps until a moment of the wall clock. Pending sends make progress meanwhile.
    virtual void idle_until(std::chrono::steady_clock::time_point moment) = 0;

    /// While such an object exists, this device is excused: other devices may wait for it beyond
    /// their deadline, up to a fixed limit. Meanwhile the device runs a policy (a search for a
    /// placement), writes to a disk, or prints to a pipe whose reader may be slow.
    class Excuse {
      public:
        explicit Excuse(Transport& transport) : transport_(transport) { transport_.excuse(true); }
        Excuse(const Excuse&) = delete;
        Excuse& operator=(const Excuse&) = delete;
        ~Excuse() { transport_.excuse(false); }

      private:
        Transport& transport_;
    };

    // The following functions call the virtual ones, and are the same for all transports.
    void send(DeviceId to, Tag tag, ConstPart bytes, const WaitReason& reason);
    /// Starts to send and returns at once. The transport keeps the bytes until the send is done.
    void send_copy(DeviceId to, Tag tag, std::vector<std::byte> bytes);
    void receive_into(DeviceId from, Tag tag, Part bytes, const WaitReason& reason);
    /// Waits until all sends of send_copy are done.
    void finish_copies(const WaitReason& reason);

    struct Options {
        /// The longest duration of a wait for devices that are not excused. The transport inside
        /// one process ignores `deadline` and `silence`, because it notices a deadlock at once.
        std::chrono::nanoseconds deadline = std::chrono::seconds(120);
        /// A wait ends with StuckError if the awaited device gives no sign of life for this long.
        /// Time in which the waiting process was stopped does not count. 0 disables the check.
        std::chrono::nanoseconds silence = std::chrono::seconds(30);
        /// The time after an interrupt for which a wait continues before it throws.
        std::chrono::nanoseconds grace = std::chrono::milliseconds(400);
        /// Whether waits over MPI sleep at once instead of polling first, so that idle devices use
        /// no core. Runs set this if they keep to the wall clock (clock mode `paced`).
        bool sleep_when_idle = false;
        /// The device names for error texts, by id. If empty, the texts have the ids only.
        std::vector<std::string> device_names;
        /// Returns 0, or the exit code that a signal requests (130 or 143), or 3 if mpirun is
        /// ending the job. With 3, a wait over MPI throws EnvironmentError without a grace time.
        int (*interrupted)() = nullptr;
        /// Waits over MPI call this function again and again. If it throws, the wait ends with that
        /// exception. The transport inside one process never calls the function.
        std::function<void()> while_waiting;
    };
    void set_options(Options options) { options_ = std::move(options); }
    [[nodiscard]] const Options& options() const { return options_; }
    [[nodiscard]] Options& options() { return options_; }

  protected:
    Transport() = default;

    /// Returns "device 0 (laptop)".
    [[nodiscard]] std::string device_text(DeviceId device) const;

    /// Returns "to receive normed_x of layer 3, epoch 2 from device 0 (laptop) (tag data)", or "to
    /// meet all devices: ...".
    [[nodiscard]] std::string wait_text(const WaitTarget& target) const;

    /// Returns "device 2 (phone-b) has waited 120 s to receive ...; device 0 may be the one that
    /// failed".
    [[nodiscard]] std::string stuck_text(const WaitTarget& target) const;

    /// Returns "device 1 (phone-a) waits to receive ... from device 0 (laptop) (tag data), but
    /// device 2 (phone-b) has given no sign of life for 30 s". The caller appends the likely cause.
    [[nodiscard]] std::string silent_text(const WaitTarget& target, const std::vector<int>& silent)
        const;

    /// Starts (true) or ends (false) the time in which this device is excused; see Excuse.
    virtual void excuse(bool /*on*/) {}

    /// Throws Bug if `actual`, the length of the message, is not `expected`, that of the parts.
    void check_length(const WaitTarget& target, std::int64_t expected, std::int64_t actual) const;

    /// Throws Bug if the peer is not a device of this transport.
    void check_peer(DeviceId peer) const;

    /// Frees the bytes of all sends of send_copy that are done.
    void release_finished_copies();

  private:
    struct KeptCopy {
        std::vector<std::byte> bytes;
        PendingSend send;
    };
    Options options_;
    std::vector<std::unique_ptr<KeptCopy>> kept_;
    /// the number of kept copies at which send_copy calls release_finished_copies()
    std::size_t release_threshold_ = 8;
};

/// Returns the deadline of waits: 120 s times the number of devices that share a core, plus the
/// time in which a slow disk reads `bytes`, because all others may wait while one device reads.
[[nodiscard]] std::chrono::nanoseconds deadline_for(
    std::int64_t devices_per_core, std::int64_t bytes
);

/// Returns the number of bytes of all parts together.
template <class AnyPart>
[[nodiscard]] std::int64_t bytes_of(std::span<const AnyPart> parts) {
    std::size_t bytes = 0;
    for (const AnyPart& part : parts) {
        bytes += part.size();
    }
    return static_cast<std::int64_t>(bytes);
}

} // namespace headroom::comm
