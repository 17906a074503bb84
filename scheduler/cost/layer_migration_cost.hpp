// D_mig of whole layers that leave their previous devices: what predict_migration finds if no
// device has an egress or ingress cap. With caps a bound from below (the busiest link, cap or
// storage), for a search alone; decisions are compared by evaluate(). Under cost profile `paper`
// its plain sum, rounded per block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/cost/layer_costs.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::scheduler {

/// Layers over devices of a LayerCosts, one index each.
using LayerAssignment = std::vector<std::size_t>;

class LayerMoves {
  public:
    /// embed and lm_head go to the source, whatever the layers do.
    LayerMoves(const Problem& problem, const LayerCosts& costs);

    /// Layers placed one by one, in any order; each can be taken back. The ends are counted in.
    void add(std::size_t layer, std::size_t j) { charge(layer_[layer * devices_ + j], 1); }
    void remove(std::size_t layer, std::size_t j) { charge(layer_[layer * devices_ + j], -1); }
    [[nodiscard]] Nanoseconds total() const;

    /// What this layer's move to j occupies, all of it one after the other: for planners.
    [[nodiscard]] Nanoseconds alone(std::size_t layer, std::size_t j) const;

  private:
    enum class Kind : std::uint8_t { link, egress, ingress, storage, sum };
    /// What serves one transfer after the other.
    struct Lane {
        Nanoseconds busy = 0;
        Nanoseconds latency = 0;
        std::int32_t transfers = 0;
    };
    struct Share {
        std::size_t lane = 0;
        Nanoseconds busy = 0;
        std::int32_t transfers = 0;
    };
    using Shares = std::vector<Share>;
    using LaneName = std::tuple<Kind, DeviceId, DeviceId>;

    void find_moves(const Problem& problem, DeviceId to, std::size_t j);
    void find_sums(const Problem& problem, DeviceId to, std::size_t j);
    void note_message(const Problem& problem, const Move& move, Shares& shares);
    void note(const LaneName& name, Nanoseconds busy, Nanoseconds latency, Shares& shares);
    void charge(const Shares& shares, std::int32_t sign);

    std::size_t devices_;
    std::vector<Shares> layer_; ///< [layer][device]
    std::map<LaneName, std::size_t> names_;
    std::vector<Lane> lanes_;
};

} // namespace headroom::scheduler
