#include "scheduler/construct/pipelines.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "scheduler/construct/layer_placement.hpp"
#include "scheduler/cost/layer_costs.hpp"
#include "scheduler/cost/memory_ledger.hpp"
#include "scheduler/cost/step_cost.hpp"
#include "scheduler/layers/shard_chain.hpp"

namespace headroom::scheduler {
namespace {

constexpr int kBisectionSteps = 12; // leave an error of a few tenths of a percent

/// Adds the devices of blocks or of an order, unless they are known or there are none.
void add_new(std::vector<std::vector<DeviceId>>& all, std::vector<DeviceId> devices) {
    if (!devices.empty() && std::find(all.begin(), all.end(), devices) == all.end()) {
        all.push_back(std::move(devices));
    }
}

/// Returns the orders of the devices to try, beginning with that of policy `ring`. The source is
/// first in each of them.
std::vector<std::vector<DeviceId>> orders(
    const std::vector<DeviceId>& ring, const LayerCosts& costs
) {
    std::vector<std::vector<DeviceId>> all = {ring};
    std::vector<std::size_t> fastest;
    for (std::size_t j = 0; j < ring.size(); ++j) {
        fastest.push_back(j);
    }
    std::ranges::stable_sort(fastest.begin() + 1, fastest.end(), {}, [&](std::size_t j) {
        return costs.time_alone(0, costs.layers(), j);
    });
    std::vector<std::size_t> nearest = fastest;
    for (std::size_t i = 1; i < nearest.size(); ++i) {
        const auto rest = nearest.begin() + static_cast<std::ptrdiff_t>(i);
        const std::size_t here = nearest[i - 1];
        const auto next = std::ranges::min_element(rest, nearest.end(), {}, [&](std::size_t j) {
            return costs.time_after_hop(0, here, j) - costs.time_alone(0, 1, j);
        });
        std::rotate(rest, next, next + 1);
    }
    for (const std::vector<std::size_t>& order : {fastest, nearest}) {
        std::vector<DeviceId> devices;
        for (const std::size_t j : order) {
            devices.push_back(ring[j]);
        }
        add_new(all, std::move(devices));
    }
    return all;
}

/// Splits the sequence of all blocks into one consecutive part per device.
class BlockSplitter {
  public:
    explicit BlockSplitter(const Problem& problem)
        : problem_(problem), step_(problem, 1), empty_(problem),
          begin_(problem.blocks->group(0, 0).index()) {
        const bool ends = problem.blocks->shape().has_ends;
        end_ = problem.blocks->size() - (ends ? 1 : 0);
        if (ends) {
            empty_.place(problem.blocks->embed(), problem.source);
            empty_.place(problem.blocks->lm_head(), problem.source);
        }
    }

    /// Returns the split with the least computing time of the busiest device, by bisection; empty
    /// if no split fits.
    [[nodiscard]] Placement split(const std::vector<DeviceId>& order) const {
        if (empty_.shortage() > 0) {
            return {};
        }
        double most = 0;
        double least = 0;
        double slowest = 0;
        for (std::size_t b = begin_; b < end_; ++b) {
            if (b == begin_ || !is_same_kind(BlockId(b), BlockId(b - 1))) {
                slowest = 0;
                for (const DeviceId d : order) {
                    slowest = std::max(slowest, time(BlockId(b), d));
                }
            }
            most += slowest;
        }
        most += lm_head();
        std::optional<Placement> best;
        for (int i = 0; i < kBisectionSteps; ++i) {
            const double middle = (least + most) / 2;
            std::optional<Placement> found = split_within(order, middle);
            if (found) {
                best = std::move(found);
                most = middle;
            } else {
                least = middle;
            }
        }
        return best.value_or(Placement());
    }

  private:
    [[nodiscard]] bool is_same_kind(BlockId a, BlockId b) const {
        const BlockName& one = problem_.blocks->name(a);
        const BlockName& other = problem_.blocks->name(b);
        return one.kind == other.kind && one.layer == other.layer;
    }
    [[nodiscard]] double time(BlockId b, DeviceId d) const {
        const BlockName& name = problem_.blocks->name(b);
        const auto layer = static_cast<std::size_t>(name.layer);
        switch (name.kind) {
        case BlockKind::group:
            return static_cast<double>(step_.group_time(layer, d.index()));
        case BlockKind::proj:
            return static_cast<double>(step_.proj_time(layer, d.index()));
        case BlockKind::hub: // has an overhead after the groups, and one after the slices
            return 2 * static_cast<double>(step_.proj_time(layer, d.index()));
        default:
            return static_cast<double>(step_.ffn_time(layer, d.index()));
        }
    }
    [[nodiscard]] double lm_head() const {
        return problem_.blocks->shape().has_ends
                   ? static_cast<double>(step_.lm_head_time(problem_.source.index()))
                   : 0;
    }

    /// Returns a split in which no device computes longer than `most`, or nothing.
    [[nodiscard]] std::optional<Placement> split_within(
        const std::vector<DeviceId>& order, double most
    ) const {
        Placement placement = empty_.placement();
        std::size_t at = 0;
        double busy = lm_head(); // the source, which is first, also computes lm_head
        Bytes room = empty_.room(order[at]);
        for (std::size_t b = begin_; b < end_; ++b) {
            const BlockId id(b);
            while (busy + time(id, order[at]) > most || empty_.bytes(id) > room) {
                if (++at == order.size()) {
                    return std::nullopt;
                }
                busy = 0;
                room = empty_.room(order[at]);
            }
            placement[b] = order[at];
            busy += time(id, order[at]);
            room -= empty_.bytes(id);
        }
        return placement;
    }

    const Problem& problem_;
    StepDelay step_;
    Ledger empty_; ///< with only embed and lm_head placed
    std::size_t begin_;
    std::size_t end_ = 0;
};

void add_chain(std::vector<Placement>& all, const Problem& problem, const LayerCosts& costs) {
    const Chain chain = min_bottleneck_chain(costs, ChainOrder::given);
    if (!chain.shards.empty()) {
        add_new(all, place_chain(problem, costs, chain));
    }
}

} // namespace

Pipelines pipelines_of(const Problem& problem) {
    const std::vector<DeviceId> ring = ring_order(problem);
    const LayerCosts costs(problem, ring);
    const BlockSplitter splitter(problem);
    Pipelines pipelines;
    for (const std::vector<DeviceId>& order : orders(ring, costs)) {
        add_chain(pipelines.layers, problem, order == ring ? costs : LayerCosts(problem, order));
        add_new(pipelines.blocks, splitter.split(order));
    }
    return pipelines;
}

std::vector<DeviceId> ring_order(const Problem& problem) {
    const auto stages = static_cast<std::size_t>(2 * problem.blocks->shape().layers);
    std::vector<DeviceId> devices = layer_hosts(problem, stages);
    const auto behind = std::upper_bound(devices.begin() + 1, devices.end(), problem.source);
    std::rotate(devices.begin() + 1, behind, devices.end());
    return devices;
}

} // namespace headroom::scheduler
