// A problem with fewer devices: with hundreds of them, a search looks only at those that matter.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <vector>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// The smaller problem, and which device each of its devices is.
struct Focus {
    Problem problem;
    std::vector<DeviceId> devices;

    [[nodiscard]] Placement widen(const Placement& placement) const;
    /// The other way; nothing if it uses another device.
    [[nodiscard]] std::optional<Placement> narrow(const Placement& placement) const;
};

/// Keeps exactly these devices, the source among them. A previous placement that uses others is
/// left out.
[[nodiscard]] Focus focus_on(const Problem& problem, const std::set<DeviceId>& keep);

/// Keeps the source, the devices in use, and the fastest others, about `most` in all (more if the
/// memory would not do), in id order. If the previous placement alone uses more than `most`
/// devices, it is left out of the smaller problem.
[[nodiscard]] Focus focus(const Problem& problem, std::size_t most);

} // namespace headroom::scheduler
