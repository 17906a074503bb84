#include "runtime/offline/step_share.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

namespace headroom::runtime {

namespace {

using scheduler::MessageRecord;
using scheduler::OpRecord;

/// Finds the critical path of a step by walking from its end back to its begin.
class CriticalPathWalk {
  public:
    CriticalPathWalk(const scheduler::TimelineLog& log, std::size_t devices)
        : ops_(devices), arrivals_(devices), sends_(devices) {
        for (const OpRecord& op : log.ops) {
            ops_[op.device.index()].push_back(op);
        }
        for (const MessageRecord& message : log.messages) {
            arrivals_[message.to.index()].push_back(message);
            sends_[message.from.index()].push_back(message);
        }
    }

    std::map<std::pair<DeviceId, DeviceId>, Nanoseconds> run(DeviceId device, Nanoseconds time) {
        std::map<std::pair<DeviceId, DeviceId>, Nanoseconds> parts;
        while (time > 0) {
            device = skip_instant_messages(device, time);
            if (const OpRecord* const op = op_ending(device, time)) {
                parts[{device, device}] += time - op->start;
                time = op->start;
            } else if (const MessageRecord* const message = arriving(device, time)) {
                parts[{message->from, device}] += time - message->begin;
                device = message->from;
                time = message->begin;
            } else if (const MessageRecord* const before = sent_before(device, time)) {
                // The later message waited for this one, on the link or the egress.
                parts[{device, before->to}] += time - before->begin;
                time = before->begin;
            } else {
                break;
            }
        }
        return parts;
    }

  private:
    [[nodiscard]] const OpRecord* op_ending(DeviceId device, Nanoseconds time) const {
        for (const OpRecord& op : ops_[device.index()]) {
            if (op.end == time && op.start < time) {
                return &op;
            }
        }
        return nullptr;
    }

    [[nodiscard]] const MessageRecord* arriving(DeviceId device, Nanoseconds time) const {
        for (const MessageRecord& message : arrivals_[device.index()]) {
            if (message.arrival == time && message.begin < time) {
                return &message;
            }
        }
        return nullptr;
    }

    /// Returns the device on which the path continues at `time`: `device` or one that sent to it in
    /// no time, directly or through others, if an operation or a message ended there at `time`.
    /// Returns `device` if there is none.
    [[nodiscard]] DeviceId skip_instant_messages(DeviceId device, Nanoseconds time) const {
        std::vector<DeviceId> reached{device};
        for (std::size_t i = 0; i < reached.size(); ++i) {
            const DeviceId d = reached[i];
            if (op_ending(d, time) != nullptr || arriving(d, time) != nullptr) {
                return d;
            }
            for (const MessageRecord& message : arrivals_[d.index()]) {
                const bool instant = message.arrival == time && message.begin == time;
                if (instant &&
                    std::find(reached.begin(), reached.end(), message.from) == reached.end()) {
                    reached.push_back(message.from);
                }
            }
        }
        return device;
    }

    [[nodiscard]] const MessageRecord* sent_before(DeviceId device, Nanoseconds time) const {
        const MessageRecord* latest = nullptr;
        for (const MessageRecord& message : sends_[device.index()]) {
            if (message.begin < time && (latest == nullptr || message.begin >= latest->begin)) {
                latest = &message;
            }
        }
        return latest;
    }

    std::vector<std::vector<OpRecord>> ops_;
    std::vector<std::vector<MessageRecord>> arrivals_;
    std::vector<std::vector<MessageRecord>> sends_;
};

/// Adds up the times of one device, whose operations must be given in order.
class DeviceStep {
  public:
    explicit DeviceStep(DeviceTime& time) : time_(time) {}

    /// Adds the time up to `until`, during which the device waited for a message.
    void wait(Nanoseconds until, const std::vector<const MessageRecord*>& arrivals) {
        if (until <= now_) {
            return;
        }
        Nanoseconds begin = until;
        for (const MessageRecord* const message : arrivals) {
            begin = message->arrival == until ? std::min(begin, message->begin) : begin;
        }
        const Nanoseconds on_the_way = until - std::max(now_, begin);
        time_.transfer += on_the_way;
        time_.wait += until - now_ - on_the_way;
        now_ = until;
    }

    void compute(Nanoseconds end) {
        time_.compute += end - now_;
        now_ = end;
    }

    void idle_until(Nanoseconds length) { time_.idle += std::max<Nanoseconds>(0, length - now_); }

  private:
    DeviceTime& time_;
    Nanoseconds now_ = 0;
};

} // namespace

StepShare step_share(
    const scheduler::TimelineLog& log, std::size_t devices, DeviceId source, Nanoseconds length
) {
    StepShare share;
    share.devices.resize(devices);
    std::vector<std::vector<const MessageRecord*>> arrivals(devices);
    for (const MessageRecord& message : log.messages) {
        arrivals[message.to.index()].push_back(&message);
    }
    std::vector<DeviceStep> steps;
    for (DeviceTime& time : share.devices) {
        steps.emplace_back(time);
    }
    for (const OpRecord& op : log.ops) { // those of one device are in program order
        steps[op.device.index()].wait(op.start, arrivals[op.device.index()]);
        steps[op.device.index()].compute(op.end);
    }
    steps[source.index()].wait(length, arrivals[source.index()]);
    for (DeviceStep& step : steps) {
        step.idle_until(length);
    }
    for (const auto& [link, time] : CriticalPathWalk(log, devices).run(source, length)) {
        share.critical.push_back({link.first, link.second, time});
    }
    std::ranges::stable_sort(share.critical, std::ranges::greater{}, &CriticalPart::time);
    return share;
}

} // namespace headroom::runtime
