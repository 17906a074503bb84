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

/// Returns state.done(), or false if that throws. Destructors use it.
bool finished(PendingSend::State& state) noexcept {
    try {
        return state.done();
    } catch (...) {
        return false;
    }
}

constexpr std::uint16_t kFirstDataTag = 1000;

} // namespace

Tag data_tag(std::int32_t slot) {
    HEADROOM_CHECK(slot >= 0 && slot < kMaxSlots, "slot {} of at most {}", slot, kMaxSlots);
    return static_cast<Tag>(kFirstDataTag + slot);
}

std::string_view name_of(Tag tag) {
    constexpr std::array<std::string_view, 9> kNames{
        "unknown", "setup", "control", "report", "data", "weights", "migration", "ack", "failure"};
    const auto number = static_cast<std::uint16_t>(tag);
    if (number >= kFirstDataTag) {
        return name_of(Tag::data);
    }
    return tag == Tag::test ? "test" : kNames[number < kNames.size() ? number : 0];
}

std::string to_string(const WaitReason& reason) {
    const std::array<std::pair<std::string_view, std::int64_t>, 3> where = {
        {{"layer", reason.layer}, {"epoch", reason.epoch}, {"turn", reason.turn}}};
    std::string text;
    for (const auto& [name, value] : where) {
        if (value >= 0) {
            text += fmt::format("{}{} {}", text.empty() ? " of " : ", ", name, value);
        }
    }
    return text;
}

ErrorFields fields_of(const WaitTarget& target) {
    ErrorFields fields;
    const WaitReason& reason = target.reason;
    const std::array<std::pair<std::string_view, std::int64_t>, 4> all = {
        {{"peer", target.peer.valid() ? target.peer.value : -1},
         {"layer", reason.layer},
         {"epoch", reason.epoch},
         {"turn", reason.turn}}};
    for (const auto& [name, value] : all) {
        if (value >= 0) {
            fields.push_back({name, value});
        }
    }
    return fields;
}

std::chrono::nanoseconds deadline_for(std::int64_t devices_per_core, std::int64_t bytes) {
    constexpr std::int64_t kSlowDisk = 20'000'000; // bytes/s: a network file system under load
    const Transport::Options alone;
    return alone.deadline * std::max<std::int64_t>(1, devices_per_core) +
           std::chrono::seconds(bytes / kSlowDisk);
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
    for (std::unique_ptr<KeptCopy>& kept : kept_) {
        PendingSend::State* const state = kept->send.state();
        if (state == nullptr || !state->reads_after_drop() || finished(*state)) {
            continue;
        }
        if (state->abandoned() || std::uncaught_exceptions() > 0) {
            static_cast<void>(kept.release());
        }
    }
}

void Transport::send(DeviceId to, Tag tag, ConstPart bytes, const WaitReason& reason) {
    PendingSend pending = start_send(to, tag, std::span(&bytes, 1));
    wait(pending, reason);
}

void Transport::send_copy(DeviceId to, Tag tag, std::vector<std::byte> bytes) {
    if (kept_.size() >= release_threshold_) {
        release_finished_copies();
        release_threshold_ = 2 * kept_.size() + 8;
    }
    auto kept = std::make_unique<KeptCopy>();
    kept->bytes = std::move(bytes);
    kept_.reserve(kept_.size() + 1); // so that push_back cannot throw after start_send
    const ConstPart part = kept->bytes;
    kept->send = start_send(to, tag, std::span(&part, 1));
    kept_.push_back(std::move(kept));
}

void Transport::receive_into(DeviceId from, Tag tag, Part bytes, const WaitReason& reason) {
    receive(from, tag, std::span<const Part>(&bytes, 1), reason);
}

void Transport::finish_copies(const WaitReason& reason) {
    while (!kept_.empty()) {
        // wait() frees the finished copies in kept_, and this copy must outlive the wait.
        std::unique_ptr<KeptCopy> kept = std::move(kept_.back());
        kept_.pop_back();
        try {
            wait(kept->send, reason);
        } catch (...) {
            kept_.push_back(std::move(kept));
            throw;
        }
    }
}

void Transport::release_finished_copies() {
    std::erase_if(kept_, [](const std::unique_ptr<KeptCopy>& kept) {
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

std::string Transport::wait_text(const WaitTarget& target) const {
    const std::string what = std::string(target.reason.what) + to_string(target.reason);
    if (!target.peer.valid()) {
        return "to meet all devices: " + what;
    }
    return fmt::format(
        "to {} {} {} {} (tag {})",
        target.verb,
        what,
        target.verb == "send" ? "to" : "from",
        device_text(target.peer),
        name_of(target.tag)
    );
}

std::string Transport::stuck_text(const WaitTarget& target) const {
    const std::string advice =
        target.peer.valid()
            ? fmt::format(
                  "device {} may be the one that failed: look at its messages first",
                  target.peer.value
              )
            : "one of them may have failed: look at their messages first";
    return fmt::format(
        "{} has waited {} {}; {}",
        device_text(self()),
        format_duration(options_.deadline.count()),
        wait_text(target),
        advice
    );
}

std::string Transport::silent_text(const WaitTarget& target, const std::vector<int>& silent) const {
    std::string who;
    for (std::size_t i = 0; i < silent.size(); ++i) {
        who += i == 0 ? "" : i + 1 < silent.size() ? ", " : " and ";
        who += device_text(DeviceId(silent[i]));
    }
    return fmt::format(
        "{} waits {}, but {} {} given no sign of life for {}",
        device_text(self()),
        wait_text(target),
        who,
        silent.size() == 1 ? "has" : "have",
        format_duration(options_.silence.count())
    );
}

void Transport::check_length(const WaitTarget& target, std::int64_t expected, std::int64_t actual)
    const {
    HEADROOM_CHECK(
        actual == expected,
        "{} was about {}: expected {} bytes, the message has {}",
        device_text(self()),
        wait_text(target),
        expected,
        actual
    );
}

void Transport::check_peer(DeviceId peer) const {
    HEADROOM_CHECK(
        peer.valid() && peer.index() < size(), "no device {} among {}", peer.value, size()
    );
}

} // namespace headroom::comm
