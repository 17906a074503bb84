// Policy `my_policy`: every device gets consecutive whole layers in proportion to its speed, and
// fewer where its memory does not suffice. It leaves out one slow device after the other, and
// chooses what has the best objective.
#include <algorithm>
#include <headroom/policy_plugin.hpp>
#include <headroom/scheduler.hpp>
#include <limits>
#include <numeric>
#include <vector>

using namespace headroom;
using namespace headroom::scheduler;

/// Splits the layers among all devices in proportion to these weights, [device].
static Placement split(const Problem& problem, const std::vector<double>& weights) {
    const Blocks& blocks = *problem.blocks;
    const double layers = blocks.shape().layers;
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    Placement placement(blocks.size(), problem.source); // embed and lm_head stay there
    for (BlockId b(0); b.index() < blocks.size(); ++b.value) {
        if (const std::int32_t layer = blocks.name(b).layer; layer >= 0) {
            DeviceId d(0);
            for (double at = (layer + 0.5) / layers * total; at > weights[d.index()]; ++d.value) {
                at -= weights[d.index()];
            }
            placement[b.index()] = d;
        }
    }
    return placement;
}

static Placement my_policy(const Problem& problem) {
    std::vector<double> weights;
    for (const Snapshot::Device& device : problem.snapshot.devices) {
        weights.push_back(static_cast<double>(device.compute));
    }
    std::vector<std::size_t> slowest_first(weights.size());
    std::iota(slowest_first.rbegin(), slowest_first.rend(), std::size_t{0});
    std::ranges::stable_sort(slowest_first, {}, [&](std::size_t d) { return weights[d]; });

    Placement best; // if it stays empty, the policy has found none
    double best_objective = std::numeric_limits<double>::infinity();
    const auto check = [&](const Placement& placement) {
        Verdict verdict = validate(problem, placement);
        if (verdict.ok()) {
            const double seconds = objective(problem, evaluate(problem, placement));
            if (seconds < best_objective) {
                best = placement;
                best_objective = seconds;
            }
        }
        return verdict;
    };
    if (problem.previous) {
        check(*problem.previous); // needs no migration
    }
    std::size_t left_out = 0;
    for (int tries = 0; tries < 200 && left_out < weights.size(); ++tries) {
        const Verdict verdict = check(split(problem, weights));
        for (const Shortage& shortage : verdict.shortages) {
            weights[shortage.device.index()] *= 0.95;
        }
        if (verdict.ok()) {
            weights[slowest_first[left_out++]] = 0;
        }
    }
    return best;
}

HEADROOM_POLICY("my_policy", my_policy)
