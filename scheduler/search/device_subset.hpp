// Reduces a problem to fewer devices: in fleets of hundreds of devices a search considers a subset.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <vector>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// The smaller problem, and for each of its devices the id in the whole problem.
struct Focus {
    Problem problem;
    std::vector<DeviceId> devices;

    /// Returns the placement with the ids of the whole problem.
    [[nodiscard]] Placement widen(const Placement& placement) const;
    /// Returns `placement` with the ids of the subset; nullopt if it uses any other device.
    [[nodiscard]] std::optional<Placement> narrow(const Placement& placement) const;
};

/// Returns the problem with these devices only. Precondition: the source is one of them. A previous
/// placement that uses other devices is left out.
[[nodiscard]] Focus focus_on(const Problem& problem, const std::set<DeviceId>& keep);

/// Returns the problem with about `most` devices, in the order of their ids: the source, those of
/// the previous placement, and the fastest others; more if their memory is too small. If the
/// previous placement uses more than `most` devices, the result has no previous placement.
[[nodiscard]] Focus focus(const Problem& problem, std::size_t most);

} // namespace headroom::scheduler
