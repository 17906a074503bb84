// Mailboxes between the devices of one process. Only the device that has the baton touches them.
#include "comm/inprocess/inprocess.hpp"

#include <algorithm>
#include <cstring>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "comm/inprocess/baton.hpp"

namespace headroom::comm {

namespace {

/// The state of a message that its sender and its receiver share.
struct Delivery {
    bool received = false;
    bool withdrawn = false; ///< the sender dropped the message, so its parts are invalid
};

struct Message {
    std::vector<std::byte> copy;  ///< the bytes of an eager message
    std::vector<ConstPart> parts; ///< the bytes of another message, in the sender's memory
    std::int64_t bytes = 0;
    std::shared_ptr<Delivery> delivery;

    [[nodiscard]] std::vector<ConstPart> content() const {
        return parts.empty() ? std::vector<ConstPart>{ConstPart(copy)} : parts;
    }
};

using Mailbox = std::deque<Message>;

/// Copies bytes between two lists of parts. Precondition: their total lengths are equal.
void copy_across(std::span<const ConstPart> from, std::span<const Part> to) {
    auto target = to.begin();
    std::size_t filled = 0;
    for (ConstPart source : from) {
        while (!source.empty()) {
            while (filled == target->size()) {
                ++target;
                filled = 0;
            }
            const std::size_t bytes = std::min(source.size(), target->size() - filled);
            std::memcpy(target->data() + filled, source.data(), bytes);
            source = source.subspan(bytes);
            filled += bytes;
        }
    }
}

/// The state that the devices of a fleet share during one run.
struct SharedState {
    explicit SharedState(std::size_t devices) : baton(devices), mailboxes(devices) {}

    Mailbox& mailbox(DeviceId from, DeviceId to, Tag tag) {
        return mailboxes[to.index()][{from.value, static_cast<std::uint16_t>(tag)}];
    }

    Baton baton;
    std::vector<std::map<std::pair<std::int32_t, std::uint16_t>, Mailbox>> mailboxes;
    std::size_t devices_at_barrier = 0;
    std::int64_t barriers_passed = 0;
};

class InprocessSend final : public PendingSend::State {
  public:
    InprocessSend(
        std::shared_ptr<SharedState> shared, std::shared_ptr<Delivery> delivery, bool is_eager
    )
        : shared_(std::move(shared)), delivery_(std::move(delivery)), is_eager_(is_eager) {}
    InprocessSend(const InprocessSend&) = delete;
    InprocessSend& operator=(const InprocessSend&) = delete;

    ~InprocessSend() override {
        if (!is_eager_) {
            delivery_->withdrawn = !delivery_->received;
        }
    }

    /// After a failure no device receives messages, so the parts may be reused.
    [[nodiscard]] bool done() override {
        return is_eager_ || delivery_->received || shared_->baton.failed();
    }

  private:
    std::shared_ptr<SharedState> shared_;
    std::shared_ptr<Delivery> delivery_;
    bool is_eager_;
};

class InprocessTransport final : public Transport {
  public:
    InprocessTransport(std::shared_ptr<SharedState> shared, DeviceId self)
        : shared_(std::move(shared)), self_(self) {}

    [[nodiscard]] DeviceId self() const override { return self_; }
    [[nodiscard]] std::size_t size() const override { return shared_->mailboxes.size(); }

    [[nodiscard]] PendingSend start_send(DeviceId to, Tag tag, std::span<const ConstPart> parts)
        override {
        const auto bytes = static_cast<std::size_t>(bytes_of(parts));
        return enqueue(to, tag, parts, bytes <= kInprocessEagerBytes);
    }
    [[nodiscard]] PendingSend start_synchronous_send(
        DeviceId to, Tag tag, std::span<const ConstPart> parts
    ) override {
        return enqueue(to, tag, parts, false);
    }
    void wait(PendingSend& send, const WaitReason& reason) override;
    void receive(DeviceId from, Tag tag, std::span<const Part> parts, const WaitReason& reason)
        override;
    [[nodiscard]] std::vector<std::byte> receive_any_size(
        DeviceId from, Tag tag, const WaitReason& reason
    ) override;
    [[nodiscard]] bool has_message(DeviceId from, Tag tag) override;
    void barrier(const WaitReason& reason) override;
    void idle_until(std::chrono::steady_clock::time_point moment) override;

  private:
    PendingSend enqueue(DeviceId to, Tag tag, std::span<const ConstPart> parts, bool is_eager);
    Message next_message(DeviceId from, Tag tag, const WaitReason& reason);
    template <class CanEnd>
    void wait_for(const WaitTarget& target, const CanEnd& can_end) {
        const auto text = [&] { return device_text(self_) + " waits " + wait_text(target); };
        shared_->baton.wait(self_, {options(), can_end, text, std::nullopt});
    }

    std::shared_ptr<SharedState> shared_;
    DeviceId self_;
};

/// Removes messages whose senders dropped them, and returns whether a message is left.
bool has_valid_message(Mailbox& mailbox) {
    while (!mailbox.empty() && mailbox.front().delivery->withdrawn) {
        mailbox.pop_front();
    }
    return !mailbox.empty();
}

PendingSend InprocessTransport::enqueue(
    DeviceId to, Tag tag, std::span<const ConstPart> parts, bool is_eager
) {
    check_peer(to);
    Message message;
    message.bytes = bytes_of(parts);
    message.delivery = std::make_shared<Delivery>();
    if (is_eager) {
        message.copy.resize(static_cast<std::size_t>(message.bytes));
        const Part whole = message.copy;
        copy_across(parts, std::span(&whole, 1));
    } else {
        message.parts.assign(parts.begin(), parts.end());
    }
    auto state = std::make_unique<InprocessSend>(shared_, message.delivery, is_eager);
    state->to = to;
    state->tag = tag;
    state->bytes = message.bytes;
    shared_->mailbox(self_, to, tag).push_back(std::move(message));
    return PendingSend(std::move(state));
}

void InprocessTransport::wait(PendingSend& send, const WaitReason& reason) {
    if (!send.active()) {
        return;
    }
    PendingSend::State& state = *send.state();
    if (!state.done()) {
        wait_for({"send", state.to, state.tag, reason}, [&] { return state.done(); });
    }
    send.release();
}

Message InprocessTransport::next_message(DeviceId from, Tag tag, const WaitReason& reason) {
    check_peer(from);
    Mailbox& mailbox = shared_->mailbox(from, self_, tag);
    wait_for({"receive", from, tag, reason}, [&] { return has_valid_message(mailbox); });
    Message message = std::move(mailbox.front());
    mailbox.pop_front();
    message.delivery->received =
        true; // the sender runs only after this device has copied the bytes
    return message;
}

void InprocessTransport::receive(
    DeviceId from, Tag tag, std::span<const Part> parts, const WaitReason& reason
) {
    const Message message = next_message(from, tag, reason);
    check_length({"receive", from, tag, reason}, bytes_of(parts), message.bytes);
    copy_across(message.content(), parts);
}

std::vector<std::byte> InprocessTransport::receive_any_size(
    DeviceId from, Tag tag, const WaitReason& reason
) {
    const Message message = next_message(from, tag, reason);
    std::vector<std::byte> bytes(static_cast<std::size_t>(message.bytes));
    const Part whole = bytes;
    copy_across(message.content(), std::span(&whole, 1));
    return bytes;
}

bool InprocessTransport::has_message(DeviceId from, Tag tag) {
    check_peer(from);
    Mailbox& mailbox = shared_->mailbox(from, self_, tag);
    if (has_valid_message(mailbox)) {
        return true;
    }
    shared_->baton.yield(self_); // lets the sender run if a loop calls has_message()
    return has_valid_message(mailbox);
}

void InprocessTransport::barrier(const WaitReason& reason) {
    SharedState& shared = *shared_;
    if (++shared.devices_at_barrier == size()) {
        shared.devices_at_barrier = 0;
        ++shared.barriers_passed;
        return;
    }
    const std::int64_t before = shared.barriers_passed;
    try {
        wait_for({"meet", DeviceId{}, Tag::control, reason}, [&] {
            return shared.barriers_passed != before;
        });
    } catch (...) {
        if (shared.barriers_passed == before) {
            --shared.devices_at_barrier; // this device gives up, so the others must not count it
        }
        throw;
    }
}

void InprocessTransport::idle_until(std::chrono::steady_clock::time_point moment) {
    shared_->baton.wait(
        self_,
        {.options = options(),
         .can_end = [&] { return std::chrono::steady_clock::now() >= moment; },
         .text = [&] { return device_text(self_) + " sleeps"; },
         .sleep_end = moment}
    );
}

void run_device(
    SharedState& shared, Transport& transport, const std::function<void(Transport&)>& body
) {
    use_fine_timers();
    const DeviceId self = transport.self();
    std::exception_ptr error;
    if (shared.baton.await_start(self)) {
        try {
            body(transport);
        } catch (...) {
            error = std::current_exception();
        }
    }
    shared.baton.end(self, std::move(error));
}

} // namespace

InprocessFleet::InprocessFleet(std::size_t devices) : devices_(devices) {
    HEADROOM_CHECK(devices >= 1, "a fleet needs a device");
}

void InprocessFleet::run(const std::function<void(Transport&)>& body) {
    const auto shared = std::make_shared<SharedState>(devices_);
    std::vector<std::unique_ptr<InprocessTransport>> transports;
    for (std::size_t i = 0; i < devices_; ++i) {
        transports.push_back(std::make_unique<InprocessTransport>(shared, DeviceId(i)));
    }
    std::vector<std::jthread> threads;
    threads.reserve(devices_);
    try {
        for (const auto& transport : transports) {
            threads.emplace_back([&shared, &body, device = transport.get()] {
                run_device(*shared, *device, body);
            });
        }
    } catch (const std::system_error& error) {
        shared->baton.cancel();
        const std::size_t started = threads.size();
        threads.clear();
        throw EnvironmentError(fmt::format(
            "cannot start a thread for device {} of {}: {}", started, devices_, error.what()
        ));
    }
    shared->baton.start();
    threads.clear(); // joins
    if (shared->baton.failed()) {
        std::rethrow_exception(shared->baton.first_error());
    }
}

} // namespace headroom::comm
