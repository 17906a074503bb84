// What all transports share: words for errors, pending sends, and the conveniences.
#include "comm/transport.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/units.hpp"

namespace headroom::comm {

namespace {

template <class AnyPart>
std::int64_t sum_of_sizes(std::span<const AnyPart> parts) {
    std::size_t bytes = 0;
    for (const AnyPart& part : parts) {
        bytes += part.size();
    }
    return static_cast<std::int64_t>(bytes);
}

/// done() for destructors: an error on the way counts as not done.
bool finished(PendingSend::State& state) noexcept {
    try {
        return state.done();
    } catch (...) {
        return false;
    }
}

} // namespace

namespace {

constexpr std::uint16_t kFirstDataTag = 1000;

} // namespace

Tag data_tag(std::int32_t slot) {
    HEADROOM_CHECK(slot >= 0 && slot < kMaxSlots, "slot {} of at most {}", slot, kMaxSlots);
    return static_cast<Tag>(kFirstDataTag + slot);
}

std::string_view name_of(Tag tag) {
    if (static_cast<std::uint16_t>(tag) >= kFirstDataTag) {
        return name_of(Tag::data);
    }
    switch (tag) {
    case Tag::setup:
        return "setup";
    case Tag::control:
        return "control";
    case Tag::report:
        return "report";
    case Tag::data:
        return "data";
    case Tag::weights:
        return "weights";
    case Tag::migration:
        return "migration";
    case Tag::ack:
        return "ack";
    case Tag::failure:
        return "failure";
    case Tag::test:
        return "test";
    }
    return "unknown";
}

std::string to_string(const Waiting& waiting) {
    const std::array<std::pair<std::string_view, std::int64_t>, 3> where = {
        {{"layer", waiting.layer}, {"epoch", waiting.epoch}, {"turn", waiting.turn}}};
    std::string text;
    for (const auto& [name, value] : where) {
        if (value >= 0) {
            text += fmt::format("{}{} {}", text.empty() ? " of " : ", ", name, value);
        }
    }
    return text;
}

std::chrono::nanoseconds deadline_for(std::int64_t devices_per_core, std::int64_t bytes) {
    constexpr std::int64_t kSlowDisk = 20'000'000; // bytes/s: a network file system under load
    const Transport::Options alone;
    return alone.deadline * std::max<std::int64_t>(1, devices_per_core) +
           std::chrono::seconds(bytes / kSlowDisk);
}

std::int64_t bytes_of(std::span<const ConstPart> parts) {
    return sum_of_sizes(parts);
}

std::int64_t bytes_of(std::span<const Part> parts) {
    return sum_of_sizes(parts);
}

PendingSend::~PendingSend() {
    drop();
}

PendingSend& PendingSend::operator=(PendingSend&& other) noexcept {
    if (this != &other) {
        drop();
        state_ = std::move(other.state_);
    }
    return *this;
}

void PendingSend::drop() noexcept {
    if (state_ == nullptr) {
        return;
    }
    if (finished(*state_) || state_->abandoned() || std::uncaught_exceptions() > 0) {
        state_.reset();
        return;
    }
    const std::string_view tag = name_of(state_->tag);
    std::fprintf(
        stderr,
        "headroom: bug: a send of %lld bytes to device %d (tag %.*s) was dropped before it was "
        "done; its owner must call Transport::wait\n",
        static_cast<long long>(state_->bytes),
        static_cast<int>(state_->to.value),
        static_cast<int>(tag.size()),
        tag.data()
    );
    std::abort();
}

Transport::~Transport() {
    for (std::unique_ptr<Kept>& kept : kept_) {
        PendingSend::State* const state = kept->send.state();
        if (state == nullptr || !state->reads_after_drop() || finished(*state)) {
            continue;
        }
        if (state->abandoned() || std::uncaught_exceptions() > 0) {
            static_cast<void>(kept.release());
        }
    }
}

void Transport::send(DeviceId to, Tag tag, ConstPart bytes, const Waiting& waiting) {
    PendingSend pending = start_send(to, tag, std::span(&bytes, 1));
    wait(pending, waiting);
}

void Transport::send_copy(DeviceId to, Tag tag, std::vector<std::byte> bytes) {
    if (kept_.size() >= sweep_at_) {
        release_finished_copies();
        sweep_at_ = 2 * kept_.size() + 8;
    }
    auto kept = std::make_unique<Kept>();
    kept->bytes = std::move(bytes);
    kept_.reserve(kept_.size() + 1); // nothing may throw between the start and the keeping
    const ConstPart part = kept->bytes;
    kept->send = start_send(to, tag, std::span(&part, 1));
    kept_.push_back(std::move(kept));
}

void Transport::receive_into(DeviceId from, Tag tag, Part bytes, const Waiting& waiting) {
    receive(from, tag, std::span<const Part>(&bytes, 1), waiting);
}

void Transport::finish_copies(const Waiting& waiting) {
    while (!kept_.empty()) {
        // Taken out: a wait releases finished copies of kept_, this one must outlive it.
        std::unique_ptr<Kept> kept = std::move(kept_.back());
        kept_.pop_back();
        try {
            wait(kept->send, waiting);
        } catch (...) {
            kept_.push_back(std::move(kept));
            throw;
        }
    }
}

void Transport::release_finished_copies() {
    std::erase_if(kept_, [](const std::unique_ptr<Kept>& kept) {
        return !kept->send.active() || kept->send.state()->done();
    });
}

std::string Transport::device_text(DeviceId device) const {
    const std::vector<std::string>& names = options_.device_names;
    if (device.valid() && device.index() < names.size()) {
        return fmt::format("device {} ({})", device.value, names[device.index()]);
    }
    return fmt::format("device {}", device.value);
}

std::string Transport::wait_text(
    std::string_view verb, DeviceId peer, Tag tag, const Waiting& waiting
) const {
    if (!peer.valid()) {
        return fmt::format("to meet all devices: {}{}", waiting.what, to_string(waiting));
    }
    return fmt::format(
        "to {} {}{} {} {} (tag {})",
        verb,
        waiting.what,
        to_string(waiting),
        verb == "send" ? "to" : "from",
        device_text(peer),
        name_of(tag)
    );
}

std::string Transport::stuck_text(
    std::string_view verb, DeviceId peer, Tag tag, const Waiting& waiting
) const {
    const std::string advice =
        peer.valid()
            ? fmt::format(
                  "device {} may be the one that failed: look at its messages first", peer.value
              )
            : "one of them may have failed: look at their messages first";
    return fmt::format(
        "{} has waited {} {}; {}",
        device_text(self()),
        format_duration(options_.deadline.count()),
        wait_text(verb, peer, tag, waiting),
        advice
    );
}

std::string Transport::silent_text(
    std::string_view verb,
    DeviceId peer,
    Tag tag,
    const Waiting& waiting,
    const std::vector<int>& silent
) const {
    std::string who;
    for (std::size_t i = 0; i < silent.size(); ++i) {
        who += i == 0 ? "" : i + 1 < silent.size() ? ", " : " and ";
        who += device_text(DeviceId(silent[i]));
    }
    return fmt::format(
        "{} waits {}, but {} {} given no sign of life for {}",
        device_text(self()),
        wait_text(verb, peer, tag, waiting),
        who,
        silent.size() == 1 ? "has" : "have",
        format_duration(options_.silence.count())
    );
}

void Transport::check_length(
    DeviceId from, Tag tag, std::int64_t expected, std::int64_t came, const Waiting& waiting
) const {
    HEADROOM_CHECK(
        came == expected,
        "{} was about {}: expected {} bytes, the message has {}",
        device_text(self()),
        wait_text("receive", from, tag, waiting),
        expected,
        came
    );
}

void Transport::check_peer(DeviceId peer) const {
    HEADROOM_CHECK(
        peer.valid() && peer.index() < size(), "no device {} among {}", peer.value, size()
    );
}

} // namespace headroom::comm
