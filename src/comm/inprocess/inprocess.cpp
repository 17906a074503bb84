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

/// What sender and receiver both know of a message.
struct Delivery {
    bool taken = false;
    bool withdrawn = false; ///< its sender dropped it, its parts are no more
};

struct Message {
    std::vector<std::byte> copy;  ///< of an eager message
    std::vector<ConstPart> parts; ///< else the sender's own bytes
    std::int64_t bytes = 0;
    std::shared_ptr<Delivery> delivery;

    [[nodiscard]] std::vector<ConstPart> content() const {
        return parts.empty() ? std::vector<ConstPart>{ConstPart(copy)} : parts;
    }
};

using Mailbox = std::deque<Message>;

/// Copies bytes across two lists of parts that are equally long together.
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

/// What the devices of a fleet share during one run.
struct Fleet {
    explicit Fleet(std::size_t devices) : baton(devices), boxes(devices) {}

    Mailbox& box(DeviceId from, DeviceId to, Tag tag) {
        return boxes[to.index()][{from.value, static_cast<std::uint16_t>(tag)}];
    }

    void barrier(DeviceId self, const Wait& until_next);

    Baton baton;
    std::vector<std::map<std::pair<std::int32_t, std::uint16_t>, Mailbox>> boxes;
    std::size_t at_barrier = 0;
    std::int64_t barriers_passed = 0;
};

class InprocessSend final : public PendingSend::State {
  public:
    InprocessSend(std::shared_ptr<Fleet> fleet, std::shared_ptr<Delivery> delivery, bool at_once)
        : fleet_(std::move(fleet)), delivery_(std::move(delivery)), at_once_(at_once) {}
    InprocessSend(const InprocessSend&) = delete;
    InprocessSend& operator=(const InprocessSend&) = delete;

    ~InprocessSend() override {
        if (!at_once_) {
            delivery_->withdrawn = !delivery_->taken;
        }
    }

    /// In a fleet that has failed nobody takes a message any more, so its parts are free too.
    [[nodiscard]] bool done() override {
        return at_once_ || delivery_->taken || fleet_->baton.failed();
    }

  private:
    std::shared_ptr<Fleet> fleet_;
    std::shared_ptr<Delivery> delivery_;
    bool at_once_;
};

class InprocessTransport final : public Transport {
  public:
    InprocessTransport(std::shared_ptr<Fleet> fleet, DeviceId self)
        : fleet_(std::move(fleet)), self_(self) {}

    [[nodiscard]] DeviceId self() const override { return self_; }
    [[nodiscard]] std::size_t size() const override { return fleet_->boxes.size(); }
    [[nodiscard]] std::string_view name() const override { return "inprocess"; }

    [[nodiscard]] PendingSend start_send(DeviceId to, Tag tag, std::span<const ConstPart> parts)
        override {
        const auto bytes = static_cast<std::size_t>(bytes_of(parts));
        return post(to, tag, parts, bytes <= kInprocessEagerBytes);
    }
    [[nodiscard]] PendingSend start_synchronous_send(
        DeviceId to, Tag tag, std::span<const ConstPart> parts
    ) override {
        return post(to, tag, parts, false);
    }
    void wait(PendingSend& send, const Waiting& waiting) override;
    void receive(DeviceId from, Tag tag, std::span<const Part> parts, const Waiting& waiting)
        override;
    [[nodiscard]] std::vector<std::byte> receive_any_size(
        DeviceId from, Tag tag, const Waiting& waiting
    ) override;
    [[nodiscard]] bool ready(DeviceId from, Tag tag) override;
    void barrier(const Waiting& waiting) override;
    void idle_until(std::chrono::steady_clock::time_point moment) override;

  private:
    PendingSend post(DeviceId to, Tag tag, std::span<const ConstPart> parts, bool at_once);
    Message next_message(DeviceId from, Tag tag, const Waiting& waiting);
    [[nodiscard]] std::string text(
        std::string_view verb, DeviceId peer, Tag tag, const Waiting& waiting
    ) const {
        return device_text(self_) + " waits " + wait_text(verb, peer, tag, waiting);
    }

    std::shared_ptr<Fleet> fleet_;
    DeviceId self_;
};

/// Removes messages whose senders dropped them; is there one to take?
bool has_message(Mailbox& box) {
    while (!box.empty() && box.front().delivery->withdrawn) {
        box.pop_front();
    }
    return !box.empty();
}

PendingSend InprocessTransport::post(
    DeviceId to, Tag tag, std::span<const ConstPart> parts, bool at_once
) {
    check_peer(to);
    Message message;
    message.bytes = bytes_of(parts);
    message.delivery = std::make_shared<Delivery>();
    if (at_once) {
        message.copy.resize(static_cast<std::size_t>(message.bytes));
        const Part whole = message.copy;
        copy_across(parts, std::span(&whole, 1));
    } else {
        message.parts.assign(parts.begin(), parts.end());
    }
    auto state = std::make_unique<InprocessSend>(fleet_, message.delivery, at_once);
    state->to = to;
    state->tag = tag;
    state->bytes = message.bytes;
    fleet_->box(self_, to, tag).push_back(std::move(message));
    return PendingSend(std::move(state));
}

void InprocessTransport::wait(PendingSend& send, const Waiting& waiting) {
    if (!send.active()) {
        return;
    }
    PendingSend::State& state = *send.state();
    if (!state.done()) {
        fleet_->baton.wait(
            self_,
            {.options = options(),
             .may_go = [&] { return state.done(); },
             .text = [&] { return text("send", state.to, state.tag, waiting); },
             .moment = std::nullopt}
        );
    }
    send.release();
}

Message InprocessTransport::next_message(DeviceId from, Tag tag, const Waiting& waiting) {
    check_peer(from);
    Mailbox& box = fleet_->box(from, self_, tag);
    fleet_->baton.wait(
        self_,
        {.options = options(),
         .may_go = [&] { return has_message(box); },
         .text = [&] { return text("receive", from, tag, waiting); },
         .moment = std::nullopt}
    );
    Message message = std::move(box.front());
    box.pop_front();
    message.delivery->taken = true; // the sender runs only after this device has copied
    return message;
}

void InprocessTransport::receive(
    DeviceId from, Tag tag, std::span<const Part> parts, const Waiting& waiting
) {
    const Message message = next_message(from, tag, waiting);
    check_length(from, tag, bytes_of(parts), message.bytes, waiting);
    copy_across(message.content(), parts);
}

std::vector<std::byte> InprocessTransport::receive_any_size(
    DeviceId from, Tag tag, const Waiting& waiting
) {
    const Message message = next_message(from, tag, waiting);
    std::vector<std::byte> bytes(static_cast<std::size_t>(message.bytes));
    const Part whole = bytes;
    copy_across(message.content(), std::span(&whole, 1));
    return bytes;
}

bool InprocessTransport::ready(DeviceId from, Tag tag) {
    check_peer(from);
    Mailbox& box = fleet_->box(from, self_, tag);
    if (has_message(box)) {
        return true;
    }
    fleet_->baton.yield(self_); // else a loop around ready() would keep the sender from running
    return has_message(box);
}

void InprocessTransport::barrier(const Waiting& waiting) {
    Fleet& fleet = *fleet_;
    if (++fleet.at_barrier == size()) {
        fleet.at_barrier = 0;
        ++fleet.barriers_passed;
        return;
    }
    const std::int64_t before = fleet.barriers_passed;
    try {
        fleet.baton.wait(
            self_,
            {.options = options(),
             .may_go = [&] { return fleet.barriers_passed != before; },
             .text = [&] { return text("meet", DeviceId{}, Tag::control, waiting); },
             .moment = std::nullopt}
        );
    } catch (...) {
        if (fleet.barriers_passed == before) {
            --fleet.at_barrier; // it has given up and must not be counted by the others
        }
        throw;
    }
}

void InprocessTransport::idle_until(std::chrono::steady_clock::time_point moment) {
    fleet_->baton.wait(
        self_,
        {.options = options(),
         .may_go = [&] { return std::chrono::steady_clock::now() >= moment; },
         .text = [&] { return device_text(self_) + " sleeps"; },
         .moment = moment}
    );
}

void run_device(Fleet& fleet, Transport& transport, const std::function<void(Transport&)>& body) {
    use_fine_timers();
    const DeviceId self = transport.self();
    std::exception_ptr error;
    if (fleet.baton.await_start(self)) {
        try {
            body(transport);
        } catch (...) {
            error = std::current_exception();
        }
    }
    fleet.baton.end(self, std::move(error));
}

} // namespace

InprocessFleet::InprocessFleet(std::size_t devices) : devices_(devices) {
    HEADROOM_CHECK(devices >= 1, "a fleet needs a device");
}

void InprocessFleet::run(const std::function<void(Transport&)>& body) {
    const auto fleet = std::make_shared<Fleet>(devices_);
    std::vector<std::unique_ptr<InprocessTransport>> transports;
    for (std::size_t i = 0; i < devices_; ++i) {
        transports.push_back(std::make_unique<InprocessTransport>(fleet, DeviceId(i)));
    }
    std::vector<std::jthread> threads;
    threads.reserve(devices_);
    try {
        for (const auto& transport : transports) {
            threads.emplace_back([&fleet, &body, device = transport.get()] {
                run_device(*fleet, *device, body);
            });
        }
    } catch (const std::system_error& error) {
        fleet->baton.cancel();
        const std::size_t started = threads.size();
        threads.clear();
        throw EnvironmentError(fmt::format(
            "cannot start a thread for device {} of {}: {}", started, devices_, error.what()
        ));
    }
    fleet->baton.start();
    threads.clear(); // joins
    if (fleet->baton.failed()) {
        std::rethrow_exception(fleet->baton.first_error());
    }
}

} // namespace headroom::comm
