#include "tests/scheduler/policies/layer_splits.hpp"

#include <algorithm>

#include "scheduler/core/media.hpp"
#include "scheduler/timing/program.hpp"

namespace headroom::scheduler::testing {
namespace {

Nanoseconds transfer_time(const Problem& problem, DeviceId from, DeviceId to) {
    if (from == to) {
        return 0;
    }
    const SnapshotRates rates(problem.snapshot);
    const Bytes x = 4 * problem.blocks->shape().width;
    const MediumOf media = medium_of(problem.snapshot);
    PhaseShares alone(media);
    alone.add(from, to);
    return std::max(
        {rates.link(from, to, 0, x),
         rates.egress(from, 0, x),
         rates.ingress(to, 0, x),
         rates.media(from, to, 0, x, alone.of(from, to))}
    );
}

/// Adds up the operations of a program, each stage with the device's overhead.
Nanoseconds computing_time(const Problem& problem, DeviceId d, const Program& program) {
    const SnapshotRates rates(problem.snapshot);
    Nanoseconds time = 0;
    for (const Instruction& instruction : program) {
        if (instruction.code == OpCode::compute) {
            OperationCost cost;
            cost.add(
                *problem.blocks, instruction.block, problem.horizon() - 1, 1, instruction.work
            );
            time += instruction.starts_stage ? rates.operation_overhead(d) : 0;
            time += rates.operation(d, 0, cost);
        }
    }
    return time;
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
    const Snapshot& snapshot = problem.snapshot;
    const std::vector<Program> programs = lower(
        *problem.blocks, placement_of_layers(problem, devices), problem.source, snapshot.size()
    );
    Nanoseconds slowest = 0;
    for (std::size_t i = 0; i < snapshot.size(); ++i) {
        const DeviceId d(i);
        const bool source = d == problem.source;
        if (!source && std::ranges::find(devices, d) == devices.end()) {
            continue;
        }
        // Two messages come from the device before and two go to the next one. The source receives
        // the last x instead.
        const Nanoseconds handling = (source ? 3 : 4) * snapshot.device(d).message_overhead;
        slowest = std::max(slowest, handling + computing_time(problem, d, programs[i]));
    }
    DeviceId from = problem.source;
    for (const DeviceId to : devices) {
        slowest = std::max(slowest, 2 * transfer_time(problem, from, to));
        from = to;
    }
    return std::max(slowest, transfer_time(problem, from, problem.source));
}

} // namespace headroom::scheduler::testing
