#include "scheduler/core/media.hpp"

#include <algorithm>

namespace headroom::scheduler {
namespace {

template <class Devices>
MediumOf media_of(const Devices& devices) {
    MediumOf result;
    for (const auto& device : devices) {
        result.push_back(device.medium);
    }
    const bool none = std::ranges::all_of(result, [](std::int32_t m) { return m == kNoMedium; });
    return none ? MediumOf() : result;
}

} // namespace

MediumOf medium_of(const Fleet& fleet) {
    return media_of(fleet.devices);
}

MediumOf medium_of(const Snapshot& snapshot) {
    return media_of(snapshot.devices);
}

PhaseShares::PhaseShares(const MediumOf& medium_of) : medium_of_(&medium_of) {
    if (!medium_of.empty()) {
        ends_.reset(static_cast<std::size_t>(*std::ranges::max_element(medium_of)) + 1);
    }
}

void PhaseShares::add(DeviceId from, DeviceId to) {
    const std::pair link(from, to);
    if (medium_of_->empty()) {
        return;
    }
    const auto place = std::ranges::lower_bound(links_, link);
    if (place != links_.end() && *place == link) {
        return;
    }
    links_.insert(place, link);
    ends_.add(medium(from), medium(to));
}

MediaShares PhaseShares::of(DeviceId from, DeviceId to) const {
    return ends_.of(medium(from), medium(to));
}

} // namespace headroom::scheduler
