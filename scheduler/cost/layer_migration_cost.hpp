// D_mig (the time to migrate) of a placement of whole layers, kept up to date while layers are
// added and removed. A cap is a limit on all that a device sends (egress) or receives (ingress). If
// no device has a cap, the result equals that of predict_migration (timing/evaluate.hpp). Otherwise
// it is a lower bound: the time of the busiest link, cap or storage. Searches compare candidates by
// this bound. Afterwards evaluate() (timing/evaluate.hpp) computes the true D_mig of the placement
// that was found. Under cost profile `paper` the result is the published sum, rounded per moved
// block.
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

/// The device of every layer, as LayerCosts (layer_costs.hpp) numbers devices.
using LayerAssignment = std::vector<std::size_t>;

/// D_mig of embed, lm_head and the layers that have been added. Devices are numbered as above.
class LayerMoves {
  public:
    /// Starts without layers. Transfers of embed and lm_head to the source are counted from the
    /// start, except under cost profile `paper`, whose formulas give these blocks no bytes.
    LayerMoves(const Problem& problem, const LayerCosts& costs);

    void add(std::size_t layer, std::size_t j) { charge(layer_[layer * devices_ + j], 1); }
    void remove(std::size_t layer, std::size_t j) { charge(layer_[layer * devices_ + j], -1); }
    [[nodiscard]] Nanoseconds total() const;

    /// Returns the times that the layer's move to j takes on all links, caps and storages, summed.
    [[nodiscard]] Nanoseconds alone(std::size_t layer, std::size_t j) const;

  private:
    enum class Kind : std::uint8_t { link, egress, ingress, storage, sum };
    /// A resource on which transfers queue: a link, a cap or a storage. Under cost profile `paper`
    /// all transfers queue on one lane, because the published D_mig is the sum of all transfer
    /// times.
    struct Lane {
        Nanoseconds busy = 0; ///< the sum of the transfer times
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
    std::vector<Shares> layer_; ///< [layer][device]: what the layer's move to the device adds
    std::map<LaneName, std::size_t> names_;
    std::vector<Lane> lanes_;
};

} // namespace headroom::scheduler
