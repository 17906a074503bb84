#include "runtime/offline/step_share.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "base/check.hpp"
#include "scheduler/rates/profile.hpp"

namespace headroom::runtime {

namespace {

using scheduler::Activity;
using scheduler::ClockLog;
using scheduler::ClockSpan;
using scheduler::SentMessage;

/// Returns the member for an activity of the device itself.
Nanoseconds TimeParts::*member_of(Activity activity) {
    switch (activity) {
    case Activity::compute:
        return &TimeParts::compute;
    case Activity::memory:
        return &TimeParts::memory;
    case Activity::overhead:
        return &TimeParts::overhead;
    case Activity::wait:
        break;
    }
    return &TimeParts::wait;
}

/// Finds the critical path of a step by walking from its end back to its begin.
class CriticalPathWalk {
  public:
    explicit CriticalPathWalk(std::span<const ClockLog> clocks) : clocks_(clocks) {}

    std::vector<CriticalPart> run(DeviceId device, Nanoseconds time) {
        while (time > 0) {
            const ClockSpan& span = span_ending(device, time);
            if (span.activity != Activity::wait) {
                part(device, device).*member_of(span.activity) += time - span.begin;
                time = span.begin;
                continue;
            }
            const SentMessage& message = clocks_[span.from.index()].sends[span.message];
            const Nanoseconds latency = std::min(message.latency, time - message.begin);
            if (time > message.begin) { // a message that takes no time is no part
                part(span.from, device).latency += latency;
                part(span.from, device).transfer += time - message.begin - latency;
            }
            device = span.from;
            time = time_when_ready(device, span.message);
        }
        std::vector<CriticalPart> parts;
        for (const auto& [ends, times] : parts_) {
            parts.push_back({ends.first, ends.second, times});
        }
        std::ranges::stable_sort(parts, std::ranges::greater{}, &CriticalPart::time);
        return parts;
    }

  private:
    TimeParts& part(DeviceId from, DeviceId to) { return parts_[{from, to}]; }

    /// Returns what the device did up to `time`. The clock had this value once, so a span ends
    /// there, because spans have no gaps.
    [[nodiscard]] const ClockSpan& span_ending(DeviceId device, Nanoseconds time) const {
        const std::vector<ClockSpan>& spans = clocks_[device.index()].spans;
        const auto span = std::ranges::lower_bound(spans, time, {}, &ClockSpan::end);
        HEADROOM_CHECK(
            span != spans.end() && span->end == time,
            "nothing ends on device {} at {}",
            device.value,
            time
        );
        return *span;
    }

    /// Returns when the device had decided to send its message `i`. If the message then waited for
    /// messages before it, adds this time to the links of those.
    Nanoseconds time_when_ready(DeviceId device, std::size_t i) {
        const std::vector<SentMessage>& sends = clocks_[device.index()].sends;
        while (sends[i].begin > sends[i].ready) {
            const std::size_t before = waited_for(sends, i);
            if (sends[i].begin > sends[before].begin) {
                part(device, sends[before].to).transfer += sends[i].begin - sends[before].begin;
            }
            i = before;
        }
        return sends[i].ready;
    }

    /// Returns the message that kept message `i` from beginning: the one before it on its link or,
    /// if the link was free earlier, the last message, which occupied the egress.
    static std::size_t waited_for(const std::vector<SentMessage>& sends, std::size_t i) {
        HEADROOM_CHECK(i > 0, "the first message waits");
        for (std::size_t before = i; before-- > 0;) {
            if (sends[before].to == sends[i].to) {
                return sends[before].end == sends[i].begin ? before : i - 1;
            }
        }
        return i - 1;
    }

    std::span<const ClockLog> clocks_;
    std::map<std::pair<DeviceId, DeviceId>, TimeParts> parts_;
};

/// Adds the time from `begin` to `end`, during which a device waited for this message.
void add_waiting(TimeParts& parts, const SentMessage& message, Nanoseconds begin, Nanoseconds end) {
    const Nanoseconds sent = std::clamp(message.begin, begin, end);
    const Nanoseconds first_byte =
        std::clamp(scheduler::after(message.begin, message.latency), sent, end);
    parts.wait += sent - begin;
    parts.latency += first_byte - sent;
    parts.transfer += end - first_byte;
}

/// Returns the parts of one device. In a ring, devices may go on after the step has ended on the
/// source; this is not part of the step.
TimeParts parts_of(
    std::span<const ClockLog> clocks, const std::vector<ClockSpan>& spans, Nanoseconds length
) {
    TimeParts parts;
    Nanoseconds last = 0;
    for (const ClockSpan& span : spans) {
        if (span.begin >= length) {
            break;
        }
        last = std::min(span.end, length);
        if (span.activity == Activity::wait) {
            add_waiting(parts, clocks[span.from.index()].sends[span.message], span.begin, last);
        } else {
            parts.*member_of(span.activity) += last - span.begin;
        }
    }
    parts.idle = length - last;
    return parts;
}

} // namespace

StepShare step_share(std::span<const ClockLog> clocks, DeviceId source, Nanoseconds length) {
    StepShare share;
    for (const ClockLog& clock : clocks) {
        share.devices.push_back(parts_of(clocks, clock.spans, length));
    }
    share.critical = CriticalPathWalk(clocks).run(source, length);
    return share;
}

} // namespace headroom::runtime
