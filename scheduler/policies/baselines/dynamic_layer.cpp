#include "scheduler/policies/baselines/dynamic_layer.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "scheduler/construct/layer_placement.hpp"
#include "scheduler/explain/explanations.hpp"
#include "scheduler/explain/infeasibility.hpp"
#include "scheduler/explain/keep_previous.hpp"
#include "scheduler/layers/assignment_search.hpp"
#include "scheduler/search/memory_headroom.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler {
namespace {

/// Returns, for each layer, the device that holds most blocks of it in the previous placement, by
/// id. Layers that stay together there need the least migration.
std::vector<DeviceId> main_devices(const Problem& problem) {
    const Blocks& blocks = *problem.blocks;
    const auto per_layer = static_cast<std::size_t>(blocks.blocks_per_layer());
    std::vector<DeviceId> devices;
    for (std::int32_t l = 0; l < blocks.shape().layers; ++l) {
        std::vector<std::int32_t> counts(problem.snapshot.size(), 0);
        const std::size_t first = blocks.group(l, 0).index();
        for (std::size_t b = first; b < first + per_layer; ++b) {
            ++counts[(*problem.previous)[b].index()];
        }
        const auto most = std::max_element(counts.begin(), counts.end());
        devices.emplace_back(static_cast<std::size_t>(most - counts.begin()));
    }
    std::sort(devices.begin(), devices.end());
    devices.erase(std::unique(devices.begin(), devices.end()), devices.end());
    return devices;
}

/// Returns the fastest devices and the main devices of the previous placement, up to the limit of
/// hosts.
std::vector<DeviceId> considered_devices(const Problem& problem) {
    std::vector<DeviceId> devices = layer_hosts(problem, 0);
    if (problem.previous) {
        for (const DeviceId d : main_devices(problem)) {
            const bool known = std::find(devices.begin(), devices.end(), d) != devices.end();
            if (!known && devices.size() < kMaxLayerHosts) {
                devices.push_back(d);
            }
        }
        std::sort(devices.begin() + 1, devices.end());
    }
    return devices;
}

Decision nothing_fits(const Problem& problem, const LayerCosts& costs, Decision old) {
    old.why = explain_infeasible(
        problem, fill_in_order(problem, costs, ChainOrder::given), "placement of whole layers"
    );
    old.why.outcome = old.feasible ? Outcome::kept : Outcome::infeasible;
    return old;
}

Decision decide_layer_split(const Problem& problem) {
    const LayerCosts costs(problem, considered_devices(problem));
    const AssignmentAnswer answer = search_assignments(problem, costs);
    const Decision old = keep_previous(problem);
    if (!answer.best) {
        return nothing_fits(problem, costs, old);
    }
    const auto evaluated = [&](const LayerAssignment& assignment) {
        std::vector<DeviceId> devices;
        for (const std::size_t j : assignment) {
            devices.push_back(costs.device(j));
        }
        return evaluate(problem, place_layers(problem, devices));
    };
    Decision decision = evaluated(*answer.best);
    std::optional<Delays> rejected;
    if (old.feasible && objective(problem, old) <= objective(problem, decision)) {
        if (decision.placement != old.placement) {
            rejected = delays_of(problem, decision);
        } else if (answer.runner_up) {
            rejected = delays_of(problem, evaluated(*answer.runner_up));
        }
        decision = old;
    }
    decision.why.split = layer_split(problem, decision.placement);
    explain(problem, decision, old, rejected);
    decision.evaluations = answer.work;
    return decision;
}

} // namespace

Decision decide_dynamic_layer(const Problem& problem) {
    return decide_cautiously(problem, decide_layer_split);
}

} // namespace headroom::scheduler
