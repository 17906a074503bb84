#include "scheduler/search/device_subset.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

#include "scheduler/cost/memory_ledger.hpp"

namespace headroom::scheduler {
namespace {

std::set<DeviceId> chosen(const Problem& problem, std::size_t most) {
    const std::vector<Snapshot::Device>& devices = problem.snapshot.devices;
    std::set<DeviceId> keep = {problem.source};
    if (problem.previous) {
        keep.insert(problem.previous->begin(), problem.previous->end());
        if (keep.size() > most) {
            keep = {problem.source};
        }
    }
    double memory = 0.0; // a rough sum that cannot overflow
    for (const DeviceId d : keep) {
        memory += static_cast<double>(devices[d.index()].memory - problem.buffers);
    }
    const double enough = 2.0 * static_cast<double>(min_total_bytes(problem));
    std::vector<std::size_t> order(devices.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, std::ranges::greater{}, [&](std::size_t a) {
        return devices[a].compute;
    });
    for (const std::size_t d : order) {
        const bool useful = devices[d].memory > problem.buffers;
        if ((keep.size() < most || memory < enough) && useful && keep.insert(DeviceId(d)).second) {
            memory += static_cast<double>(devices[d].memory - problem.buffers);
        }
    }
    return keep;
}

} // namespace

Focus focus(const Problem& problem, std::size_t most) {
    const std::size_t all = problem.snapshot.size();
    Focus small{problem, {}};
    if (all <= most) {
        for (std::size_t d = 0; d < all; ++d) {
            small.devices.emplace_back(d);
        }
        return small;
    }
    return focus_on(problem, chosen(problem, most));
}

Focus focus_on(const Problem& problem, const std::set<DeviceId>& keep) {
    Focus small{problem, {}};
    small.devices.assign(keep.begin(), keep.end());
    std::vector<DeviceId> number(problem.snapshot.size());
    small.problem.snapshot.devices.clear();
    small.problem.snapshot.links.clear();
    small.problem.snapshot.link_overrides.clear();
    for (std::size_t i = 0; i < small.devices.size(); ++i) {
        const DeviceId from = small.devices[i];
        number[from.index()] = DeviceId(i);
        small.problem.snapshot.devices.push_back(problem.snapshot.device(from));
        for (const DeviceId to : small.devices) {
            small.problem.snapshot.links.push_back(problem.snapshot.link(from, to));
        }
    }
    small.problem.source = number[problem.source.index()];
    if (problem.previous) {
        for (DeviceId& d : *small.problem.previous) {
            d = number[d.index()];
        }
        const Placement& previous = *small.problem.previous;
        if (std::count(previous.begin(), previous.end(), DeviceId()) > 0) {
            small.problem.previous.reset();
        }
    }
    return small;
}

Placement Focus::widen(const Placement& placement) const {
    Placement wide;
    wide.reserve(placement.size());
    for (const DeviceId d : placement) {
        wide.push_back(devices[d.index()]);
    }
    return wide;
}

std::optional<Placement> Focus::narrow(const Placement& placement) const {
    Placement narrow;
    narrow.reserve(placement.size());
    for (const DeviceId d : placement) {
        const auto at = std::lower_bound(devices.begin(), devices.end(), d);
        if (at == devices.end() || *at != d) {
            return std::nullopt;
        }
        narrow.emplace_back(static_cast<std::size_t>(at - devices.begin()));
    }
    return narrow;
}

} // namespace headroom::scheduler
