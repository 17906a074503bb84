#include "tests/scheduler/policies/layer_splits.hpp"

#include <algorithm>

#include "scheduler/core/profile.hpp"

namespace headroom::scheduler::testing {
namespace {

Nanoseconds operation(const Problem& problem, BlockId b, DeviceId d) {
    const Snapshot::Device& device = problem.snapshot.device(d);
    const std::int64_t before = problem.horizon() - 1;
    return std::max(
        finish(device.compute, 0, problem.blocks->flops(b, before, 1)),
        finish(device.memory_bandwidth, 0, problem.blocks->touched_bytes(b, before, 1))
    );
}

Nanoseconds transfer_time(const Problem& problem, DeviceId from, DeviceId to) {
    if (from == to) {
        return 0;
    }
    const Snapshot& snapshot = problem.snapshot;
    const Bytes x = 4 * problem.blocks->shape().width;
    return std::max(
        {finish(snapshot.link(from, to).bandwidth, 0, x),
         finish(snapshot.device(from).egress, 0, x),
         finish(snapshot.device(to).ingress, 0, x)}
    );
}

} // namespace

Placement placement_of_layers(const Problem& problem, const LayerDevices& devices) {
    Placement placement(problem.blocks->size(), problem.source);
    for (std::size_t b = 0; b < placement.size(); ++b) {
        const std::int32_t layer = problem.blocks->name(BlockId(b)).layer;
        placement[b] = layer < 0 ? problem.source : devices[static_cast<std::size_t>(layer)];
    }
    return placement;
}

void for_each_assignment(
    const Problem& problem, const std::function<void(const LayerDevices&)>& visit
) {
    const std::size_t n = problem.snapshot.size();
    LayerDevices devices(problem.blocks->shape().layer_types.size(), DeviceId(0));
    while (true) {
        visit(devices);
        std::size_t l = 0;
        while (l < devices.size() && devices[l].index() + 1 == n) {
            devices[l++] = DeviceId(0);
        }
        if (l == devices.size()) {
            return;
        }
        devices[l] = DeviceId(devices[l].index() + 1);
    }
}

bool is_contiguous(const LayerDevices& devices) {
    for (std::size_t l = 0; l + 2 < devices.size(); ++l) {
        for (std::size_t k = l + 2; k < devices.size(); ++k) {
            if (devices[k] == devices[l] && devices[k - 1] != devices[l]) {
                return false;
            }
        }
    }
    return true;
}

bool follows_ring_order(const Problem& problem, const LayerDevices& devices) {
    const std::size_t n = problem.snapshot.size();
    const auto position = [&](DeviceId d) { return (d.index() + n - problem.source.index()) % n; };
    for (std::size_t l = 1; l < devices.size(); ++l) {
        if (position(devices[l]) < position(devices[l - 1])) {
            return false;
        }
    }
    return true;
}

Nanoseconds slowest_stage(const Problem& problem, const LayerDevices& devices) {
    const Blocks& blocks = *problem.blocks;
    std::vector<Nanoseconds> stages(problem.snapshot.size(), 0);
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        const std::int32_t layer = blocks.name(BlockId(b)).layer;
        const DeviceId d = layer < 0 ? problem.source : devices[static_cast<std::size_t>(layer)];
        stages[d.index()] += operation(problem, BlockId(b), d);
    }
    Nanoseconds slowest = *std::max_element(stages.begin(), stages.end());
    DeviceId from = problem.source;
    for (const DeviceId to : devices) {
        slowest = std::max(slowest, 2 * transfer_time(problem, from, to));
        from = to;
    }
    return std::max(slowest, transfer_time(problem, from, problem.source));
}

} // namespace headroom::scheduler::testing
