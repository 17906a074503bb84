#include "device/pacer.hpp"

#include <algorithm>

namespace headroom::device {

std::chrono::nanoseconds Pacer::wall(Nanoseconds time) const {
    return std::chrono::nanoseconds(static_cast<Nanoseconds>(static_cast<double>(time) * scale_));
}

void Pacer::start(Nanoseconds time) {
    started_ = std::chrono::steady_clock::now();
    origin_ = started_ - wall(time);
}

void Pacer::wait_until(Nanoseconds time) {
    if (!is_paced()) {
        return;
    }
    const TimePoint due = origin_ + wall(time);
    const TimePoint now = std::chrono::steady_clock::now();
    if (now < due) {
        sleep_(due);
    } else {
        lateness_max_ =
            std::max(lateness_max_, Nanoseconds{std::chrono::nanoseconds(now - due).count()});
    }
}

} // namespace headroom::device
