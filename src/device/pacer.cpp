#include "device/pacer.hpp"

#include <algorithm>

namespace headroom::device {

void Pacer::hold(Nanoseconds time) {
    if (!paced()) {
        return;
    }
    const auto wall = static_cast<Nanoseconds>(static_cast<double>(time) * scale_);
    const TimePoint due = origin_ + std::chrono::nanoseconds(wall);
    const TimePoint now = std::chrono::steady_clock::now();
    if (now < due) {
        sleep_(due);
    } else {
        lateness_max_ =
            std::max(lateness_max_, Nanoseconds{std::chrono::nanoseconds(now - due).count()});
    }
}

} // namespace headroom::device
