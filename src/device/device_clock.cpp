#include "device/device_clock.hpp"

#include <algorithm>

namespace headroom::device {

DeviceClock::DeviceClock(const scheduler::Fleet& fleet, DeviceId self, StopCheck stop)
    : fleet_(&fleet), self_(self), stop_(stop), link_free_(fleet.size(), 0) {}

Bytes DeviceClock::memory(Nanoseconds t) const {
    return rates().memory(self_, t);
}

Nanoseconds DeviceClock::load(Nanoseconds start, Bytes bytes) const {
    return rates().storage(self_, start, bytes);
}

TimeSpan DeviceClock::run_operation(
    const scheduler::OperationCost& cost, bool starts_stage, Bytes held_for_paging
) {
    const scheduler::FleetRates rate = rates();
    Nanoseconds start = now_;
    if (held_for_paging > 0) {
        const Bytes over = std::max<Bytes>(0, held_for_paging - rate.memory(self_, start));
        start = rate.storage(self_, start, over);
    }
    Nanoseconds launched = start;
    if (starts_stage) {
        launched = scheduler::after(start, rate.operation_overhead(self_));
    }
    now_ = rate.operation(self_, launched, cost);
    return {start, now_};
}

MessageTiming DeviceClock::send(const Sending& message) {
    const scheduler::FleetRates rate = rates();
    const auto [to, bytes, shares, key] = message;
    now_ = scheduler::after(now_, rate.message_overhead(self_));
    Nanoseconds& link_free = link_free_[to.index()];
    const bool capped = rate.egress_capped(self_);
    const Nanoseconds begin = std::max({now_, link_free, capped ? egress_free_ : 0});
    const scheduler::Delivery drawn = rate.delivery(self_, to, key);
    Nanoseconds last_begin = begin;
    Nanoseconds end = transmit(message, begin);
    for (std::int32_t i = 0; i < drawn.failures; ++i) {
        last_begin = scheduler::after(end, rate.retransmit_timeout(self_, to));
        end = transmit(message, last_begin);
    }
    link_free = end;
    const Nanoseconds latency = scheduler::after(rate.latency(self_, to, last_begin), drawn.delay);
    return {begin, scheduler::after(last_begin, latency), scheduler::after(end, latency)};
}

/// Returns when all bytes have left, if they are transmitted once from `begin` on.
Nanoseconds DeviceClock::transmit(const Sending& message, Nanoseconds begin) {
    const scheduler::FleetRates rate = rates();
    Nanoseconds end = rate.link(self_, message.to, begin, message.bytes);
    end = std::max(end, rate.media(self_, message.to, begin, message.bytes, message.shares));
    if (rate.egress_capped(self_)) {
        // The cap is occupied from `begin`, so a message that waits for its link also delays later
        // messages to other devices.
        egress_free_ = rate.egress(self_, begin, message.bytes);
        end = std::max(end, egress_free_);
    }
    return end;
}

void DeviceClock::handle_arrival(Nanoseconds arrival) {
    now_ = scheduler::after(std::max(now_, arrival), rates().message_overhead(self_));
}

Nanoseconds DeviceClock::receive(const MessageTiming& timing, Bytes bytes) {
    const scheduler::FleetRates rate = rates();
    if (!rate.ingress_capped(self_)) {
        return timing.arrival;
    }
    ingress_free_ = rate.ingress(self_, std::max(timing.first_byte, ingress_free_), bytes);
    return std::max(timing.arrival, ingress_free_);
}

} // namespace headroom::device
