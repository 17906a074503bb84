#include "runtime/offline/step_share.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace headroom::runtime {

namespace {

using scheduler::MessageRecord;
using scheduler::OpRecord;

/// A step, walked back from its end to its begin.
class WayBack {
  public:
    WayBack(const scheduler::TimelineLog& log, std::size_t devices)
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
            device = behind_instant_messages(device, time);
            if (const OpRecord* const op = op_ending(device, time)) {
                parts[{device, device}] += time - op->start;
                time = op->start;
            } else if (const MessageRecord* const message = arriving(device, time)) {
                parts[{message->from, device}] += time - message->begin;
                device = message->from;
                time = message->begin;
            } else if (const MessageRecord* const before = sent_before(device, time)) {
                // It held the link or the egress.
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

    /// Messages may take no time. The device, this one or one of whose message it has just heard,
    /// that did something until then; this one if there is none.
    [[nodiscard]] DeviceId behind_instant_messages(DeviceId device, Nanoseconds time) const {
        std::vector<DeviceId> heard{device};
        for (std::size_t i = 0; i < heard.size(); ++i) {
            const DeviceId d = heard[i];
            if (op_ending(d, time) != nullptr || arriving(d, time) != nullptr) {
                return d;
            }
            for (const MessageRecord& message : arrivals_[d.index()]) {
                const bool instant = message.arrival == time && message.begin == time;
                if (instant && std::find(heard.begin(), heard.end(), message.from) == heard.end()) {
                    heard.push_back(message.from);
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

/// One device's step: gaps before its operations, filled with what they waited for.
class DeviceStep {
  public:
    explicit DeviceStep(DeviceTime& time) : time_(time) {}

    /// Up to `until` the device waited for the message that arrived then.
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

    void rest(Nanoseconds length) { time_.idle += std::max<Nanoseconds>(0, length - now_); }

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
    for (const OpRecord& op : log.ops) { // of each device in the order of its program
        steps[op.device.index()].wait(op.start, arrivals[op.device.index()]);
        steps[op.device.index()].compute(op.end);
    }
    steps[source.index()].wait(length, arrivals[source.index()]);
    for (DeviceStep& step : steps) {
        step.rest(length);
    }
    for (const auto& [link, time] : WayBack(log, devices).run(source, length)) {
        share.critical.push_back({link.first, link.second, time});
    }
    std::stable_sort(
        share.critical.begin(),
        share.critical.end(),
        [](const CriticalPart& a, const CriticalPart& b) { return a.time > b.time; }
    );
    return share;
}

} // namespace headroom::runtime
