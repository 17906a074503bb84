#include "scheduler/cost/message_cost.hpp"

#include <algorithm>

#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

bool order_matters(const Snapshot& snapshot) {
    return has_message_costs(snapshot) ||
           std::ranges::any_of(snapshot.devices, [](const Snapshot::Device& device) {
               return device.egress != kUnlimited || device.ingress != kUnlimited;
           });
}

bool has_message_costs(const Snapshot& snapshot) {
    return std::ranges::any_of(snapshot.devices, [](const Snapshot::Device& device) {
        return device.message_overhead > 0 || device.medium != kNoMedium;
    });
}

MediaShares lone_shares(const Snapshot& snapshot, std::size_t from, std::size_t to) {
    const std::int32_t sender = snapshot.devices[from].medium;
    const std::int32_t receiver = snapshot.devices[to].medium;
    if (sender == receiver) {
        return {sender == kNoMedium ? 0 : 2, 0};
    }
    return {sender == kNoMedium ? 0 : 1, receiver == kNoMedium ? 0 : 1};
}

Nanoseconds media_time(
    const Snapshot& snapshot, std::size_t from, std::size_t to, Bytes bytes, MediaShares shares
) {
    const auto on_medium_of = [&](std::size_t d, std::int32_t share) {
        return share == 0
                   ? 0
                   : bounded_duration(
                         snapshot.media[static_cast<std::size_t>(snapshot.devices[d].medium)],
                         bytes * share
                     );
    };
    return std::max(on_medium_of(from, shares.sender), on_medium_of(to, shares.receiver));
}

Nanoseconds link_time(const Snapshot& snapshot, std::size_t from, std::size_t to, Bytes bytes) {
    const std::size_t pair = from * snapshot.size() + to;
    return std::max(
        bounded_duration(snapshot.link_at(pair).bandwidth, bytes),
        media_time(snapshot, from, to, bytes, lone_shares(snapshot, from, to))
    );
}

Nanoseconds message_overhead(const Snapshot& snapshot, std::size_t d) {
    return std::min(kStall, snapshot.devices[d].message_overhead);
}

} // namespace headroom::scheduler
