// How devices exchange bytes: point to point, by peer and tag, first-in first-out per (peer, tag).
// The interface knows no application types: a message is a list of parts that travel as one.
// One conformance suite (tests/comm) holds for every implementation.
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

#include "base/ids.hpp"

namespace headroom::comm {

/// One tag per kind of traffic; all below MPI's guaranteed upper bound 32767.
enum class Tag : std::uint16_t {
    setup = 1,   ///< configuration and its hash, before anything else
    control = 2, ///< controller -> device: turns, decisions, stop
    report = 3,  ///< device -> controller
    data = 4,    ///< activations, token ids
    weights = 5, ///< blocks at load time
    migration = 6,
    ack = 7,
    failure = 8, ///< a device that cannot go on -> device 0
    test = 100,
};

/// Activations of one sequence in flight: each slot has a tag of its own, because a device may take
/// the messages of several in another order than they were sent. 0 ≤ slot < kMaxSlots.
inline constexpr std::int32_t kMaxSlots = 30'000;
[[nodiscard]] Tag data_tag(std::int32_t slot);

[[nodiscard]] std::string_view name_of(Tag tag);

using Part = std::span<std::byte>;
using ConstPart = std::span<const std::byte>;

/// What a wait is for, to be put into words only when it fails: "normed_x of layer 3", epoch, turn.
struct Waiting {
    std::string_view what = "a message";
    std::int64_t layer = -1;
    std::int64_t epoch = -1;
    std::int64_t turn = -1;
};

/// " of layer 3, epoch 2, turn 17"; parts that are -1 are left out.
[[nodiscard]] std::string to_string(const Waiting& waiting);

/// An asynchronous send; its parts must stay as they are until it is done. Move-only. The owner
/// calls Transport::wait; a destructor that finds it unfinished reports to stderr and, outside
/// unwinding, aborts: the bytes would be gone.
class PendingSend {
  public:
    /// What an implementation keeps per send.
    struct State {
        virtual ~State() = default;
        [[nodiscard]] virtual bool done() = 0; ///< also makes progress
        /// The transport has failed and the run is ending: dropping the send is no bug then.
        [[nodiscard]] virtual bool abandoned() const { return false; }
        /// May the library still read the parts when this has been dropped unfinished?
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
    void release() { state_.reset(); } ///< precondition: done, or the transport is being torn down

  private:
    void drop() noexcept;
    std::unique_ptr<State> state_;
};

class Transport {
  public:
    /// Copies that a failed run never delivered are leaked if the library may still read them.
    virtual ~Transport();
    [[nodiscard]] virtual DeviceId self() const = 0;
    [[nodiscard]] virtual std::size_t size() const = 0;
    [[nodiscard]] virtual std::string_view name() const = 0; ///< "mpi", "inprocess"

    /// Starts to send the parts as one message; they are not copied. Sending to oneself is allowed.
    [[nodiscard]] virtual PendingSend start_send(
        DeviceId to, Tag tag, std::span<const ConstPart> parts
    ) = 0;

    /// As start_send, but it is done only when the receiver has begun to take it: bytes can be
    /// freed at the source without piling up unseen at the target.
    [[nodiscard]] virtual PendingSend start_synchronous_send(
        DeviceId to, Tag tag, std::span<const ConstPart> parts
    ) = 0;

    /// Waits until the send's parts may be reused. Throws StuckError at the deadline.
    virtual void wait(PendingSend& send, const Waiting& waiting) = 0;

    /// Waits for the next message of (from, tag) and fills the parts with it; a message of another
    /// length than the parts together is a Bug. Throws StuckError at the deadline, naming both
    /// devices and what is waited for, and InterruptedError if interrupted() (see set_interrupt)
    /// has been true for longer than the grace time while waiting.
    virtual void receive(
        DeviceId from, Tag tag, std::span<const Part> parts, const Waiting& waiting
    ) = 0;

    /// The same for a message whose length the receiver does not know.
    [[nodiscard]] virtual std::vector<std::byte> receive_any_size(
        DeviceId from, Tag tag, const Waiting& waiting
    ) = 0;

    /// Is a message of (from, tag) there to be received without waiting?
    [[nodiscard]] virtual bool ready(DeviceId from, Tag tag) = 0;

    /// All devices must come here before one goes on.
    virtual void barrier(const Waiting& waiting) = 0;

    /// Sleeps until a moment of the wall clock without burning the core, while transfers go on.
    virtual void idle_until(std::chrono::steady_clock::time_point moment) = 0;

    /// While one lives, this device does what has a limit of its own (a policy's search, a reader
    /// who takes his time): the others wait longer than their deadline, though not for ever.
    class Excuse {
      public:
        explicit Excuse(Transport& transport) : transport_(transport) { transport_.excuse(true); }
        Excuse(const Excuse&) = delete;
        Excuse& operator=(const Excuse&) = delete;
        ~Excuse() { transport_.excuse(false); }

      private:
        Transport& transport_;
    };

    // Conveniences on top, the same for all.
    void send(DeviceId to, Tag tag, ConstPart bytes, const Waiting& waiting);
    void send_copy(DeviceId to, Tag tag, std::vector<std::byte> bytes); ///< kept until delivered
    void receive_into(DeviceId from, Tag tag, Part bytes, const Waiting& waiting);
    /// Waits for everything that send_copy still keeps.
    void finish_copies(const Waiting& waiting);

    struct Options {
        /// The last resort: others may be alive and yet never send what is waited for.
        std::chrono::nanoseconds deadline = std::chrono::seconds(120);
        /// A device that gives no sign of life for so long, of the waiting one's running time, ends
        /// the wait; 0: none does. In one process nobody can be silent.
        std::chrono::nanoseconds silence = std::chrono::seconds(30);
        /// How long a wait goes on after an interrupt before it gives up.
        std::chrono::nanoseconds grace = std::chrono::milliseconds(400);
        /// Sleep at once in waits (paced runs: idle devices burn no core) instead of polling first.
        bool sleep_when_idle = false;
        /// Names for messages; ids if empty.
        std::vector<std::string> device_names;
        /// Returns 0, or the exit code (130, 143) that a signal asked for.
        /// 3: the job is being ended from outside; waits give up at once.
        int (*interrupted)() = nullptr;
        /// Called now and then in waits over MPI; may throw, which ends the wait. In process a
        /// failure reaches everybody anyway.
        std::function<void()> while_waiting;
    };
    void set_options(Options options) { options_ = std::move(options); }
    [[nodiscard]] const Options& options() const { return options_; }
    [[nodiscard]] Options& options() { return options_; }

  protected:
    Transport() = default;

    /// "device 0 (laptop)"
    [[nodiscard]] std::string device_text(DeviceId device) const;

    /// "to receive normed_x of layer 3, epoch 2 from device 0 (laptop) (tag data)". The verb is
    /// "receive" or "send"; without a valid peer it is a barrier: "to meet all devices: ...".
    [[nodiscard]] std::string wait_text(
        std::string_view verb, DeviceId peer, Tag tag, const Waiting& waiting
    ) const;

    /// "device 2 (phone-b) has waited 120 s to receive ...; device 0 may be the one that failed".
    [[nodiscard]] std::string stuck_text(
        std::string_view verb, DeviceId peer, Tag tag, const Waiting& waiting
    ) const;

    /// "device 1 (phone-a) waits to receive ... from device 0 (laptop) (tag data), but device 2
    /// (phone-b) has given no sign of life for 30 s". What is known of it comes behind.
    [[nodiscard]] std::string silent_text(
        std::string_view verb,
        DeviceId peer,
        Tag tag,
        const Waiting& waiting,
        const std::vector<int>& silent
    ) const;

    virtual void excuse(bool /*on*/) {}

    /// Throws Bug unless the message is as long as the parts that wait for it.
    void check_length(
        DeviceId from, Tag tag, std::int64_t expected, std::int64_t came, const Waiting& waiting
    ) const;

    /// Throws Bug unless there is such a device.
    void check_peer(DeviceId peer) const;

    /// Lets go of what send_copy keeps and has been delivered.
    void release_finished_copies();

  private:
    struct Kept {
        std::vector<std::byte> bytes;
        PendingSend send;
    };
    Options options_;
    std::vector<std::unique_ptr<Kept>> kept_;
    std::size_t sweep_at_ = 8; ///< so many kept copies make send_copy look which are done
};

/// After how long a wait must be a mistake: 120 s where every device has a core to itself, as many
/// times more as devices share one, because what the others do takes so much longer; and the time
/// in which a slow disk gives `bytes`, which all may have to wait for.
[[nodiscard]] std::chrono::nanoseconds deadline_for(
    std::int64_t devices_per_core, std::int64_t bytes
);

/// Bytes of all parts together.
[[nodiscard]] std::int64_t bytes_of(std::span<const ConstPart> parts);
[[nodiscard]] std::int64_t bytes_of(std::span<const Part> parts);

} // namespace headroom::comm
