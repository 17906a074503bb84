// D_mig (the time to migrate) of a placement of whole layers, kept up to date while layers are
// added and removed. Without egress or ingress caps the result equals predict_migration. With caps
// the result is a lower bound, the time of the busiest link, cap or storage; searches compare
// candidates by this bound, and evaluate() then computes the true value. Under cost profile `paper`
// the result is the published sum, rounded per block.
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

/// The device of every layer, as an index into the devices of a LayerCosts.
using LayerAssignment = std::vector<std::size_t>;

/// The migration of embed, lm_head and the layers that have been added, in any order.
class LayerMoves {
  public:
    /// Starts without layers. embed and lm_head go to the source; their transfers are counted
    /// except under cost profile `paper`.
    LayerMoves(const Problem& problem, const LayerCosts& costs);

    void add(std::size_t layer, std::size_t j) { charge(layer_[layer * devices_ + j], 1); }
    void remove(std::size_t layer, std::size_t j) { charge(layer_[layer * devices_ + j], -1); }
    [[nodiscard]] Nanoseconds total() const;

    /// Returns the sum of all transfer times of this layer's move to j.
    [[nodiscard]] Nanoseconds alone(std::size_t layer, std::size_t j) const;

  private:
    enum class Kind : std::uint8_t { link, egress, ingress, storage, sum };
    /// A resource on which transfers queue: a link, a cap or a storage. Under cost profile `paper`
    /// there is only one.
    struct Lane {
        Nanoseconds busy = 0;
        Nanoseconds latency = 0;
        std::int32_t transfers = 0;
    };
    /// What the move of one layer to one device adds to a lane.
    struct Share {
        std::size_t lane = 0;
        Nanoseconds busy = 0;
        std::int32_t transfers = 0;
    };
    using Shares = std::vector<Share>;
    using LaneName = std::tuple<Kind, DeviceId, DeviceId>;

    void find_moves(const Problem& problem, DeviceId to, std::size_t j);
    void find_sums(const Problem& problem, DeviceId to, std::size_t j);
    void add_message(const Problem& problem, const Move& move, Shares& shares);
    void add_share(const LaneName& name, Nanoseconds busy, Nanoseconds latency, Shares& shares);
    void charge(const Shares& shares, std::int32_t sign);

    std::size_t devices_;
    std::vector<Shares> layer_; ///< [layer][device]
    std::map<LaneName, std::size_t> names_;
    std::vector<Lane> lanes_;
};

} // namespace headroom::scheduler
