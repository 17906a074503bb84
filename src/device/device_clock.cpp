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

TimeSpan DeviceClock::run_operation(Flops flops, Bytes touched, Bytes held_for_paging) {
    const scheduler::FleetRates rate = rates();
    Nanoseconds start = now_;
    if (held_for_paging > 0) {
        const Bytes over = std::max<Bytes>(0, held_for_paging - rate.memory(self_, start));
        start = rate.storage(self_, start, over);
    }
    const Nanoseconds end =
        std::max(rate.compute(self_, start, flops), rate.touch(self_, start, touched));
    now_ = end;
    return {start, end};
}

MessageTiming DeviceClock::send(DeviceId to, Bytes bytes) {
    const scheduler::FleetRates rate = rates();
    Nanoseconds& link_free = link_free_[to.index()];
    const bool capped = rate.egress_capped(self_);
    const Nanoseconds begin = std::max({now_, link_free, capped ? egress_free_ : 0});
    Nanoseconds end = rate.link(self_, to, begin, bytes);
    if (capped) {
        // The cap is occupied from `begin`, so a message that waits for its link also delays later
        // messages to other devices.
        egress_free_ = rate.egress(self_, begin, bytes);
        end = std::max(end, egress_free_);
    }
    link_free = end;
    const Nanoseconds latency = rate.latency(self_, to, begin);
    return {begin, scheduler::after(begin, latency), scheduler::after(end, latency)};
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
